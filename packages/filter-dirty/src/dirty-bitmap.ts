import { SECTOR_SIZE } from '@interposer/core';

/** Blocks of the largest bitmap: 128 MiB of bits. */
export const MOST_BLOCKS: number = 2 ** 30;

const WORD_BITS = 32;

/**
 * A bit for each block of a device: set when it is dirty. What lies beyond the sectors it was made for counts as dirty: of
 * that it knows nothing.
 */
export class DirtyBitmap {
  readonly sectors: number;
  /** Size of a block in bytes. */
  readonly granularity: number;
  readonly blocks: number;
  readonly #blockSectors: number;
  /** Blocks in a sector: a power of two, so products are exact. */
  readonly #scale: number;
  /** Signed, so that no word is too large for the small integers that JavaScript engines keep unboxed. */
  readonly #words: Int32Array;
  #dirty = 0;

  /** Clean, for so many sectors, or as many of them as `MOST_BLOCKS` are. The granularity is a power of two, at least 512. */
  constructor(sectors: number, granularity: number) {
    this.#blockSectors = granularity / SECTOR_SIZE;
    this.#scale = 1 / this.#blockSectors;
    this.granularity = granularity;
    this.sectors = Math.min(sectors, MOST_BLOCKS * this.#blockSectors);
    this.blocks = Math.ceil(this.sectors * this.#scale);
    this.#words = new Int32Array(Math.ceil(this.blocks / WORD_BITS));
  }

  /** Blocks that are dirty. */
  get dirty(): number {
    return this.#dirty;
  }

  /** Sets the bits of all blocks that a range touches. */
  mark(sector: number, count: number): void {
    if (sector >= this.sectors) return;
    const first = Math.floor(sector * this.#scale);
    const last = Math.min(Math.floor((sector + count - 1) * this.#scale), this.blocks - 1);
    const lastWord = last >>> 5;
    for (let word = first >>> 5; word <= lastWord; word++) this.#set(word, maskOf(word, first, last));
  }

  /** Sets the bits that are set in another bitmap of the same granularity; its blocks beyond the end of this one are left out. */
  merge(other: DirtyBitmap): void {
    const last = Math.min(this.blocks, other.blocks) - 1;
    for (let word = 0; word * WORD_BITS <= last; word++) {
      this.#set(word, other.#words[word]! & maskOf(word, 0, last));
    }
  }

  /** The same for a device of another size: what it has more is dirty, what it has no more is forgotten. */
  resized(sectors: number): DirtyBitmap {
    const bitmap = new DirtyBitmap(sectors, this.granularity);
    bitmap.merge(this);
    if (sectors > this.sectors) bitmap.mark(this.sectors, sectors - this.sectors);
    return bitmap;
  }

  /** Whether the block of a sector is dirty. */
  isDirty(sector: number): boolean {
    if (sector >= this.sectors) return true;
    const block = Math.floor(sector * this.#scale);
    return ((this.#words[block >>> 5]! >>> (block & 31)) & 1) === 1;
  }

  /** The first sector behind a sector that is not of its kind, dirty or clean; Infinity where there is none. */
  endOfRun(sector: number): number {
    if (sector >= this.sectors) return Infinity;
    const isDirty = this.isDirty(sector);
    const next = this.#find(!isDirty, Math.floor(sector * this.#scale));
    if (next < this.blocks) return next * this.#blockSectors;
    return isDirty ? Infinity : this.sectors;
  }

  /** The first block of a kind at or behind a block; the number of blocks, or more, where there is none. */
  #find(dirty: boolean, from: number): number {
    const words = this.#words;
    const flip = dirty ? 0 : -1;
    let word = from >>> 5;
    let found = (words[word]! ^ flip) & (-1 << (from & 31));
    while (found === 0 && ++word < words.length) found = words[word]! ^ flip;
    return word * WORD_BITS + (found === 0 ? 0 : lowestBit(found));
  }

  #set(word: number, mask: number): void {
    const added = mask & ~this.#words[word]!;
    if (added === 0) return;
    this.#words[word]! |= added;
    this.#dirty += countBits(added);
  }
}

/** The bits of a word that belong to blocks from the first to the last. */
function maskOf(word: number, first: number, last: number): number {
  const from = word === first >>> 5 ? -1 << (first & 31) : -1;
  const to = word === last >>> 5 ? -1 >>> (31 - (last & 31)) : -1;
  return from & to;
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** Adds up pairs of bits, then fours, then bytes. */
function countBits(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
