import { type Extent, mergeExtents, SECTOR_SIZE } from '@interposer/core';

/** Memory comes and goes in pieces of this size. */
export const CHUNK_SIZE: number = 64 * 1024;

const CHUNK_SECTORS = CHUNK_SIZE / SECTOR_SIZE;

/** Chunks of one branch: 256 MiB, so that a device of terabytes has a short list of branches. */
const BRANCH_CHUNKS = 4096;
const BRANCH_SECTORS = BRANCH_CHUNKS * CHUNK_SECTORS;

type Branch = (Buffer | null)[];

// The source of a copy may be any Uint8Array, which has no copy of its own. Node's takes offsets on both sides, so that no
// view is made.
const bufferPrototype = Buffer.prototype as Buffer;

/**
 * Sectors that take memory only where something was written. What has no memory reads as zeroes. Ranges are sectors, and
 * the caller has checked that they lie inside the device.
 */
export class SparseMemory {
  readonly #branches: (Branch | undefined)[] = [];

  read(sector: number, count: number, into: Uint8Array, offset: number): void {
    let at = offset;
    for (let from = sector, left = count; left > 0;) {
      const start = from % CHUNK_SECTORS;
      const run = Math.min(left, CHUNK_SECTORS - start);
      const chunk = this.#chunkAt(from);
      const bytes = run * SECTOR_SIZE;
      if (chunk === null) into.fill(0, at, at + bytes);
      else chunk.copy(into, at, start * SECTOR_SIZE, start * SECTOR_SIZE + bytes);
      from += run;
      left -= run;
      at += bytes;
    }
  }

  /** Throws a RangeError where there is no more memory; what came before is written. */
  write(sector: number, count: number, data: Uint8Array, offset: number): void {
    let at = offset;
    for (let to = sector, left = count; left > 0;) {
      const start = to % CHUNK_SECTORS;
      const run = Math.min(left, CHUNK_SECTORS - start);
      const bytes = run * SECTOR_SIZE;
      const chunk = this.#chunkAt(to) ?? this.#allocate(to);
      bufferPrototype.copy.call(data, chunk, start * SECTOR_SIZE, at, at + bytes);
      to += run;
      left -= run;
      at += bytes;
    }
  }

  /** Zeroes; whole chunks are given back. */
  release(sector: number, count: number): void {
    const end = sector + count;
    for (let from = sector; from < end;) {
      const branch = this.#branches[Math.floor(from / BRANCH_SECTORS)];
      if (branch === undefined) {
        from = endOfUnit(from, BRANCH_SECTORS);
        continue;
      }
      const to = Math.min(end, endOfUnit(from, CHUNK_SECTORS));
      if (to - from === CHUNK_SECTORS) branch[chunkIndex(from)] = null;
      else zero(branch[chunkIndex(from)] ?? null, from, to);
      from = to;
    }
  }

  /** Zeroes; the range has memory afterwards. Throws a RangeError where there is no more. */
  zeroAllocated(sector: number, count: number): void {
    const end = sector + count;
    for (let from = sector; from < end;) {
      const to = Math.min(end, endOfUnit(from, CHUNK_SECTORS));
      const chunk = this.#chunkAt(from);
      if (chunk === null) this.#allocate(from);
      else zero(chunk, from, to);
      from = to;
    }
  }

  /** Which parts of a range have memory. */
  extents(sector: number, count: number): Extent[] {
    const end = sector + count;
    const extents: Extent[] = [];
    for (let from = sector; from < end;) {
      const branch = this.#branches[Math.floor(from / BRANCH_SECTORS)];
      const unit = branch === undefined ? BRANCH_SECTORS : CHUNK_SECTORS;
      const to = Math.min(end, endOfUnit(from, unit));
      const absent = branch === undefined || branch[chunkIndex(from)] === null;
      extents.push({ sector: from, count: to - from, hole: absent, zero: absent });
      from = to;
    }
    return mergeExtents(extents);
  }

  /** Gives all memory back. */
  clear(): void {
    this.#branches.length = 0;
  }

  #chunkAt(sector: number): Buffer | null {
    const branch = this.#branches[Math.floor(sector / BRANCH_SECTORS)];
    return branch === undefined ? null : branch[chunkIndex(sector)]!;
  }

  #allocate(sector: number): Buffer {
    const branch = (this.#branches[Math.floor(sector / BRANCH_SECTORS)] ??= newBranch());
    return (branch[chunkIndex(sector)] = Buffer.alloc(CHUNK_SIZE));
  }
}

function newBranch(): Branch {
  return new Array<Buffer | null>(BRANCH_CHUNKS).fill(null);
}

/** Of the chunk within its branch. */
function chunkIndex(sector: number): number {
  return Math.floor((sector % BRANCH_SECTORS) / CHUNK_SECTORS);
}

/** The first sector behind the unit that a sector lies in. */
function endOfUnit(sector: number, unit: number): number {
  return sector - (sector % unit) + unit;
}

/** Zeroes the sectors of one chunk from one to before another. */
function zero(chunk: Buffer | null, from: number, to: number): void {
  const start = from % CHUNK_SECTORS;
  chunk?.fill(0, start * SECTOR_SIZE, (start + to - from) * SECTOR_SIZE);
}
