/*
 * The log on disk, all numbers little-endian. Block 0 is the header, then come the entries, each a block that describes it and
 * the data it has. A block is a logical block of the logged device, and entries count in such blocks. Kernel: dm-log-writes.c.
 */

/** Bits of an entry's flags; they may stand together. */
export const LogFlag = {
  /** Everything logged before it was on stable storage when it ended. */
  Flush: 1,
  /** On stable storage by itself. */
  Fua: 2,
  /** The range was discarded; it has no data. */
  Discard: 4,
  /** A mark of the user's; it has a text instead of a place. */
  Mark: 8,
  /** A file system called it metadata. Logs of the kernel have it, ours do not. */
  Metadata: 16,
} as const;

/** On disk: `rhswfsj` and a zero. */
export const MAGIC = 0x6a736677736872n;

/** The only version there is. */
export const VERSION = 1n;

/** Bytes at the start of an entry's first block that describe it; a mark's text follows. */
export const ENTRY_SIZE = 32;

/** Bytes of the header that are used. */
export const HEADER_SIZE = 28;

const TWO_TO_32 = 2 ** 32;

/** A block with the header of an empty log. */
export function makeHeader(blockSize: number): Buffer {
  const block = Buffer.alloc(blockSize);
  block.writeBigUInt64LE(MAGIC, 0);
  block.writeBigUInt64LE(VERSION, 8);
  block.writeUInt32LE(blockSize, 24);
  return block;
}

/** How many entries a header counts, into it. */
export function writeCount(header: Buffer, entries: number): void {
  writeNumber(header, entries, 16);
}

/** What describes an entry, into a whole block of `blockSize` bytes; place and length in blocks. */
export function writeEntry(
  block: Buffer,
  blockSize: number,
  first: number,
  blocks: number,
  flags: number,
  text: Uint8Array | null,
): void {
  block.fill(0, 0, blockSize);
  writeNumber(block, first, 0);
  writeNumber(block, blocks, 8);
  writeNumber(block, flags, 16);
  if (text === null) return;
  writeNumber(block, text.length, 24);
  block.set(text, ENTRY_SIZE);
}

/** 64 bits without a BigInt: this is on the way of each write. */
function writeNumber(block: Buffer, value: number, at: number): void {
  block.writeUInt32LE(value % TWO_TO_32, at);
  block.writeUInt32LE(Math.floor(value / TWO_TO_32), at + 4);
}
