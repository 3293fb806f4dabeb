import { SECTOR_SIZE } from '@interposer/core';
import type { Content } from './plugs.ts';
import { checkSector, checkZeroes, stampSector } from './tools/stamp.ts';

const UNKNOWN = -1;
const ZEROES = 0;

/** What a device should hold: for each sector the number of the write that was last, zeroes, or nothing that is known. */
export class Model {
  readonly #holds: Int32Array;
  readonly #content: Content;
  /** Sectors before this one keep data whatever the rest does. */
  readonly #keptUpTo: number;
  #sequence = 0;

  constructor(content: Content, sectors: number, keptUpTo = 0) {
    this.#content = content;
    this.#keptUpTo = keptUpTo;
    this.#holds = new Int32Array(sectors).fill(UNKNOWN);
  }

  /** Whether any sector of a range fails its reads and writes. */
  fails(sector: number, count: number): boolean {
    return this.#content === 'error' && sector + count > this.#keptUpTo;
  }

  /** Fills a buffer with the data of the next write, whose number it answers. */
  stamp(buffer: Uint8Array, offset: number, sector: number, count: number): number {
    this.#sequence++;
    for (let i = 0; i < count; i++) stampSector(buffer, offset + i * SECTOR_SIZE, sector + i, this.#sequence);
    return this.#sequence;
  }

  /** The write of that number is complete. */
  wrote(sector: number, count: number, sequence: number): void {
    this.#holds.fill(sequence, sector, sector + count);
  }

  zeroed(sector: number, count: number): void {
    this.#holds.fill(ZEROES, sector, sector + count);
  }

  /** Discarded, or a write that failed: anything may be there. */
  forget(sector: number, count: number): void {
    this.#holds.fill(UNKNOWN, sector, sector + count);
  }

  /** What is wrong with data that was read; undefined: nothing. */
  check(buffer: Uint8Array, offset: number, sector: number, count: number): string | undefined {
    for (let i = 0; i < count; i++) {
      const problem = this.#checkOne(buffer, offset + i * SECTOR_SIZE, sector + i);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #checkOne(buffer: Uint8Array, offset: number, sector: number): string | undefined {
    if (this.#content === 'zeroes' && sector >= this.#keptUpTo) return checkZeroes(buffer, offset, sector);
    const holds = this.#holds[sector]!;
    if (holds === UNKNOWN) return undefined;
    return holds === ZEROES
      ? checkZeroes(buffer, offset, sector)
      : checkSector(buffer, offset, sector, holds);
  }
}
