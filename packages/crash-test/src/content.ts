import { type Extent, mergeExtents, SECTOR_SIZE } from '@interposer/core';
import { type BaseImage, CHUNK_SECTORS } from './base-image.ts';
import type { Overlay } from './overlay.ts';

/** A part of a disk that comes from one place. */
export interface Run {
  readonly sector: number;
  readonly count: number;
  /** Its data, from `at` bytes on; null for zeroes, and for what must be read from the base first. */
  readonly bytes: Uint8Array | null;
  readonly at: number;
  /** The chunk of the base that must be read first; undefined for all others. */
  readonly chunk: number | undefined;
}

/** What a disk holds: layers of writes over a base, the topmost first. Never changes. */
export class Content {
  readonly base: BaseImage;
  readonly #layers: readonly Overlay[];

  constructor(base: BaseImage, layers: readonly Overlay[]) {
    this.base = base;
    this.#layers = layers;
  }

  /** Where a range comes from, in order and without gaps. */
  runs(sector: number, count: number): Run[] {
    const found: Run[] = [];
    this.#collect(0, sector, count, found);
    return found;
  }

  /** Fills a part of a buffer with sectors; false where some of them must be read from the base first. */
  readNow(sector: number, count: number, into: Uint8Array, offset: number): boolean {
    let at = offset;
    for (const run of this.runs(sector, count)) {
      if (run.chunk !== undefined) return false;
      at = copyRun(run, run.bytes, run.at, into, at);
    }
    return true;
  }

  /** As `readNow`, but waits for the base. */
  async readInto(sector: number, count: number, into: Uint8Array, offset: number): Promise<void> {
    let at = offset;
    for (const run of this.runs(sector, count)) at = copyRun(run, ...(await this.bytesOf(run)), into, at);
  }

  /** The data of a run and where it begins, in bytes; null for zeroes. */
  async bytesOf({ sector, bytes, at, chunk }: Run): Promise<[bytes: Uint8Array | null, at: number]> {
    if (chunk === undefined) return [bytes, at];
    return [await this.base.chunk(chunk), (sector - chunk * CHUNK_SECTORS) * SECTOR_SIZE];
  }

  /** What has data is allocated, the rest is a hole. */
  extents(sector: number, count: number): Extent[] {
    return mergeExtents(
      this.runs(sector, count).map((run) => {
        const hole = run.bytes === null && run.chunk === undefined;
        return { sector: run.sector, count: run.count, hole, zero: hole };
      }),
    );
  }

  #collect(layer: number, sector: number, count: number, found: Run[]): void {
    const overlay = this.#layers[layer];
    if (overlay === undefined) {
      this.#collectBase(sector, count, found);
      return;
    }
    for (const part of overlay.parts(sector, count)) {
      const { write } = part;
      if (write === null) this.#collect(layer + 1, part.sector, part.count, found);
      else found.push({ ...part, bytes: write.data, at: write.offsetOf(part.sector), chunk: undefined });
    }
  }

  #collectBase(sector: number, count: number, found: Run[]): void {
    const end = sector + count;
    let at = sector;
    for (const number of this.base.chunksIn(sector, count)) {
      const start = number * CHUNK_SECTORS;
      if (start > at) found.push(zeroes(at, start - at));
      at = Math.max(at, start);
      const length = Math.min(end, start + CHUNK_SECTORS) - at;
      const bytes = this.base.chunkNow(number);
      const chunk = bytes === null ? number : undefined;
      found.push({ sector: at, count: length, bytes, at: (at - start) * SECTOR_SIZE, chunk });
      at += length;
    }
    if (at < end) found.push(zeroes(at, end - at));
  }
}

function zeroes(sector: number, count: number): Run {
  return { sector, count, bytes: null, at: 0, chunk: undefined };
}

/** Copies a run to a place in a buffer and answers the place behind it. */
function copyRun(
  { count }: Run,
  bytes: Uint8Array | null,
  from: number,
  into: Uint8Array,
  at: number,
): number {
  const length = count * SECTOR_SIZE;
  if (bytes === null) into.fill(0, at, at + length);
  else into.set(bytes.subarray(from, from + length), at);
  return at + length;
}
