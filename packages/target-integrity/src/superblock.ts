import { fail, SECTOR_SIZE } from '@interposer/core';
import { type Geometry, SUPERBLOCK_SECTORS } from './layout.ts';

/** What stands at the start of a device that is in use. All numbers are kept with the least significant byte first. */
export interface Superblock extends Geometry {
  readonly providedSectors: number;
  /** The version, and what is not looked at here, as it was read. */
  readonly bytes: Uint8Array;
  /** Bits of `SuperblockFlag`. */
  readonly flags: number;
}

/** What there is room for, in sectors. */
export interface Room {
  readonly providedSectors: number;
  readonly journalSectors: number;
}

/** Kernel: SB_FLAG_. */
export const SuperblockFlag = {
  JournalMac: 1,
  Recalculating: 2,
  DirtyBitmap: 4,
  FixedPadding: 8,
  FixedHmac: 16,
  Inline: 32,
} as const;

export const SUPERBLOCK_SIZE: number = SUPERBLOCK_SECTORS * SECTOR_SIZE;

const MAGIC = 'integrt\0';
const LATEST_VERSION = 6;
/** Versions say what a kernel must know: that of `fix_padding`, and of nothing. */
const PADDED_VERSION = 4;
const FIRST_VERSION = 1;

const PROVIDED_AT = 16;
const LARGEST_INTERLEAVE_BITS = 31;
const LEAST_INTERLEAVE_BITS = 3;
const LARGEST_BLOCK_BITS = 3;

/** Whether nothing has been written to the device yet. Kernel: the first sector is looked at. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.subarray(0, SECTOR_SIZE).every((byte) => byte === 0);
}

/** Reads what stands there. EINVAL with the kernel's texts. */
export function readSuperblock(bytes: Uint8Array): Superblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== MAGIC)
    throw fail('EINVAL', 'The device is not initialized: there is something else');
  const version = bytes[8]!;
  if (version < FIRST_VERSION || version > LATEST_VERSION)
    throw fail('EINVAL', `Unknown version: ${String(version)}`);
  const [interleaveBits, blockBits] = [bytes[9]!, bytes[28]!];
  const flags = view.getUint32(24, true);
  const journalSections = view.getUint32(12, true);
  if (interleaveBits < LEAST_INTERLEAVE_BITS || interleaveBits > LARGEST_INTERLEAVE_BITS)
    throw fail('EINVAL', `Invalid interleave_sectors in the superblock: 2^${String(interleaveBits)}`);
  if (blockBits > LARGEST_BLOCK_BITS)
    throw fail('EINVAL', `Invalid block_size in the superblock: 2^${String(blockBits)} sectors`);
  const provided = view.getBigUint64(PROVIDED_AT, true);
  if (provided > BigInt(Number.MAX_SAFE_INTEGER))
    throw fail('EINVAL', 'Invalid provided_data_sectors in the superblock');
  return {
    tagSize: view.getUint16(10, true),
    blockSectors: 2 ** blockBits,
    interleave: 2 ** interleaveBits,
    journalSections,
    fixedPadding: (flags & SuperblockFlag.FixedPadding) !== 0,
    flags,
    providedSectors: Number(provided),
    bytes: bytes.slice(),
  };
}

/** A superblock for a device that has none. Kernel: initialize_superblock. */
export function makeSuperblock(geometry: Geometry, { providedSectors, journalSectors }: Room): Superblock {
  const bytes = new Uint8Array(SUPERBLOCK_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(MAGIC, 'latin1'));
  bytes[8] = geometry.fixedPadding ? PADDED_VERSION : FIRST_VERSION;
  bytes[9] = Math.log2(geometry.interleave);
  view.setUint16(10, geometry.tagSize, true);
  view.setUint32(12, geometry.journalSections, true);
  view.setBigUint64(PROVIDED_AT, BigInt(providedSectors), true);
  view.setUint32(24, geometry.fixedPadding ? SuperblockFlag.FixedPadding : 0, true);
  const blockBits = Math.log2(geometry.blockSectors);
  bytes[28] = blockBits;
  bytes[29] = bitmapBits(providedSectors, journalSectors) - blockBits;
  return readSuperblock(bytes);
}

/** Sectors of a bit, if the journal were a bitmap: 2 to the power of this. Kernel: mode B, but it is written in any mode. */
function bitmapBits(providedSectors: number, journalSectors: number): number {
  const most = Math.min(journalSectors * SECTOR_SIZE * 8, 2 ** 32 - 1);
  let bits = 15;
  while (Math.ceil(providedSectors / 2 ** bits) > most) bits++;
  return bits;
}

/** The same for a device that has another size now. */
export function resized({ bytes }: Superblock, providedSectors: number): Superblock {
  const changed = bytes.slice();
  new DataView(changed.buffer).setBigUint64(PROVIDED_AT, BigInt(providedSectors), true);
  return readSuperblock(changed);
}
