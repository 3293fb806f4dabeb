import type { BlockDevice } from '@interposer/core';
import type { Request } from './request.ts';

/** Requests of one connection, for the lock to look through. */
export interface Writer {
  readonly requests: readonly Request[];
}

/** A range somebody holds or waits for, in sectors. */
export interface LockedRange {
  readonly sector: number;
  readonly count: number;
  granted: boolean;
  readonly grant: () => void;
}

/**
 * Keeps writes that overlap an unaligned one apart from it: between its read and its write nobody may change the blocks
 * around. Whole-block writes need no lock among themselves, so as long as nobody wrote unaligned they only look at `busy`.
 * Ranges are granted in the order in which they were asked for.
 */
export class RangeLock {
  readonly writers: Set<Writer> = new Set<Writer>();
  readonly #ranges: LockedRange[] = [];

  /** Somebody holds or waits for a range. */
  get busy(): boolean {
    return this.#ranges.length > 0;
  }

  covers(sector: number, count: number): boolean {
    return this.#ranges.some((range) => overlap(range, sector, count));
  }

  /** Resolves when no write that overlaps is in flight. */
  acquire(sector: number, count: number): Promise<LockedRange> {
    return new Promise((resolve) => {
      const range: LockedRange = {
        sector,
        count,
        granted: false,
        grant: () => {
          range.granted = true;
          resolve(range);
        },
      };
      this.#ranges.push(range);
      this.settle();
    });
  }

  release(range: LockedRange): void {
    this.#ranges.splice(this.#ranges.indexOf(range), 1);
    this.settle();
  }

  /** To be called when a write ended while the lock is busy. */
  settle(): void {
    this.#ranges.forEach((range, index) => {
      if (range.granted || this.#isBehind(range, index) || this.#isWritten(range)) return;
      range.grant();
    });
  }

  #isBehind({ sector, count }: LockedRange, index: number): boolean {
    return this.#ranges.slice(0, index).some((earlier) => overlap(earlier, sector, count));
  }

  #isWritten(range: LockedRange): boolean {
    for (const { requests } of this.writers) {
      if (requests.some(({ writing, sector, count }) => writing && overlap(range, sector, count)))
        return true;
    }
    return false;
  }
}

function overlap(range: LockedRange, sector: number, count: number): boolean {
  return range.sector < sector + count && sector < range.sector + range.count;
}

const locks = new WeakMap<BlockDevice, RangeLock>();

/** The lock of a device, the same for all exports of it in this process. */
export function rangeLockOf(device: BlockDevice): RangeLock {
  let lock = locks.get(device);
  if (lock === undefined) locks.set(device, (lock = new RangeLock()));
  return lock;
}
