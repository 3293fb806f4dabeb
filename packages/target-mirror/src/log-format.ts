import { SECTOR_SIZE } from '@interposer/core';

/*
 * The log on disk, little-endian: magic, version and number of regions at the start, and from byte 1024 on a bit for each
 * region, the lowest bit of a byte first. A set bit says that the region is the same on all legs. Kernel: dm-log.c.
 */
const MAGIC = 0x4d695272;
const VERSION = 2;
const BITS_AT = 1024;
/** The kernel's bitmaps are whole words of this size. */
const BITS_OF_A_WORD = 64;

const MAGIC_AT = 0;
const VERSION_AT = 4;
const COUNT_AT = 8;

/** Bytes that the log of so many regions takes on a device of a block size. */
export function logBytes(regions: number, block: number): number {
  const bitmap = (Math.ceil(regions / BITS_OF_A_WORD) * BITS_OF_A_WORD) / 8;
  return Math.ceil((BITS_AT + bitmap) / block) * block;
}

/** The sector of the log that has a region's bit. */
export function sectorOfBit(region: number): number {
  return Math.floor((BITS_AT + Math.floor(region / 8)) / SECTOR_SIZE);
}

/** The log as it is on disk, in memory. */
export class LogImage {
  readonly bytes: Buffer;
  readonly #regions: number;

  constructor(regions: number, block: number) {
    this.#regions = regions;
    this.bytes = Buffer.alloc(logBytes(regions, block));
  }

  /** How many regions the log that was read knows of; 0 for what is no log; undefined for one of another version. */
  get stored(): number | undefined {
    if (this.bytes.readUInt32LE(MAGIC_AT) !== MAGIC) return 0;
    const version = this.bytes.readUInt32LE(VERSION_AT);
    if (version !== 1 && version !== VERSION) return undefined;
    return Number(this.bytes.readBigUInt64LE(COUNT_AT));
  }

  /**
   * Makes it a log of the regions there are; those from `from` on are clean, or not. As in the kernel, one of another version
   * keeps its number unless it is to be `renewed`, so that it is never believed.
   */
  begin(from: number, clean: boolean, renewed: boolean): void {
    if (renewed || this.stored !== undefined) this.bytes.writeUInt32LE(VERSION, VERSION_AT);
    this.bytes.writeUInt32LE(MAGIC, MAGIC_AT);
    this.bytes.writeBigUInt64LE(BigInt(this.#regions), COUNT_AT);
    for (let region = from; region < this.#regions; region++) this.set(region, clean);
    for (let bit = this.#regions; bit % BITS_OF_A_WORD !== 0; bit++) this.set(bit, false);
  }

  isClean(region: number): boolean {
    return ((this.bytes[BITS_AT + (region >>> 3)]! >> (region & 7)) & 1) === 1;
  }

  set(region: number, clean: boolean): void {
    const at = BITS_AT + (region >>> 3);
    const bit = 1 << (region & 7);
    this.bytes[at] = clean ? this.bytes[at]! | bit : this.bytes[at]! & ~bit;
  }
}
