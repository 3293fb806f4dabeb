/*
 * The persistent exception store on disk, all little-endian. Chunk 0 is the header: u32 magic, valid, version, chunk size in
 * sectors. Area k of exceptions is chunk 1 + k * (E + 1), with E entries of 16 bytes: u64 chunk of the origin, u64 chunk of
 * the store; a chunk 0 of the store ends the list. All other chunks are data. Kernel: dm-snap-persistent.c.
 */

/** `SnAp`. */
const MAGIC = 0x70416e53;

/** The only version there is. */
export const VERSION = 1;

/** Bytes of an entry of an area. */
export const ENTRY_BYTES = 16;

const HIGH = 2 ** 32;

/** What chunk 0 says. */
export interface StoreHeader {
  readonly valid: boolean;
  readonly version: number;
  /** In sectors. */
  readonly chunkSectors: number;
}

/** The header in the first bytes of a store; undefined for a disk of zeroes, null for what is no store. */
export function readHeader(bytes: Buffer): StoreHeader | null | undefined {
  const magic = bytes.readUInt32LE(0);
  if (magic === 0) return undefined;
  if (magic !== MAGIC) return null;
  return {
    valid: bytes.readUInt32LE(4) !== 0,
    version: bytes.readUInt32LE(8),
    chunkSectors: bytes.readUInt32LE(12),
  };
}

/** The header as a chunk of so many bytes. */
export function makeHeader({ valid, version, chunkSectors }: StoreHeader, chunkBytes: number): Buffer {
  const bytes = Buffer.alloc(chunkBytes);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(valid ? 1 : 0, 4);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(chunkSectors, 12);
  return bytes;
}

/** The chunk where an area lies. */
export function areaChunk(area: number, entriesPerArea: number): number {
  return 1 + area * (entriesPerArea + 1);
}

/** Whether a chunk is that of an area. */
export function isAreaChunk(chunk: number, entriesPerArea: number): boolean {
  return chunk % (entriesPerArea + 1) === 1;
}

/** The chunk of the origin in an entry. */
export function oldChunkAt(area: Buffer, entry: number): number {
  return readNumber(area, entry * ENTRY_BYTES);
}

/** The chunk of the store in an entry. */
export function newChunkAt(area: Buffer, entry: number): number {
  return readNumber(area, entry * ENTRY_BYTES + 8);
}

/** Fills an entry in; both numbers 0 clear it. */
export function writeEntry(area: Buffer, entry: number, oldChunk: number, newChunk: number): void {
  writeNumber(area, entry * ENTRY_BYTES, oldChunk);
  writeNumber(area, entry * ENTRY_BYTES + 8, newChunk);
}

function readNumber(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * HIGH;
}

function writeNumber(bytes: Buffer, offset: number, number: number): void {
  bytes.writeUInt32LE(number % HIGH, offset);
  bytes.writeUInt32LE(Math.floor(number / HIGH), offset + 4);
}
