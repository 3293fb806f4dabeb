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
  /** How many of those that were asked for before overlap it and are not released. */
  ahead: number;
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
      const ahead = this.#ranges.filter((range) => overlap(range, sector, count)).length;
      const range = { sector, count, ahead, granted: false, grant: () => resolve(range) };
      this.#ranges.push(range);
      this.#tryGrant(range);
    });
  }

  release(range: LockedRange): void {
    const index = this.#ranges.indexOf(range);
    this.#ranges.splice(index, 1);
    // A client may have thousands of them wait: only those behind it are looked at, and each of them once.
    for (const later of this.#ranges.slice(index)) {
      if (!overlap(later, range.sector, range.count)) continue;
      later.ahead--;
      this.#tryGrant(later);
    }
  }

  /** To be called when a write of that range ended while the lock is busy. */
  settle(sector: number, count: number): void {
    for (const range of this.#ranges) if (overlap(range, sector, count)) this.#tryGrant(range);
  }

  #tryGrant(range: LockedRange): void {
    if (range.granted || range.ahead > 0 || this.#isWritten(range)) return;
    range.granted = true;
    range.grant();
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
