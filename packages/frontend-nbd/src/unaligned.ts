import { isInterposerError, type Port, SECTOR_SIZE, Status } from '@interposer/core';

/*
 * Requests that are not made of whole blocks. They are rare and slow by nature, so promises are in order here. A range is
 * widened to whole blocks; what lies around a write is read first. The caller holds the lock of the widened range.
 */

/** A range of bytes and the whole blocks around it. */
export interface WidenedRange {
  /** Of the whole blocks, in bytes. */
  readonly start: number;
  readonly bytes: number;
  /** Where in them the range begins. */
  readonly head: number;
}

/** The whole blocks that a range touches. */
export function widen(offset: number, length: number, block: number): WidenedRange {
  const head = offset % block;
  const end = Math.ceil((offset + length) / block) * block;
  return { start: offset - head, bytes: end - (offset - head), head };
}

/** The whole blocks inside a range; none: `bytes` is 0. */
export function narrow(offset: number, length: number, block: number): { start: number; bytes: number } {
  const start = Math.ceil(offset / block) * block;
  const end = Math.floor((offset + length) / block) * block;
  return { start, bytes: Math.max(0, end - start) };
}

/** Reads whole blocks into the start of a buffer. */
export async function readBlocks(port: Port, { start, bytes }: WidenedRange, into: Buffer): Promise<void> {
  await port.read(start / SECTOR_SIZE, bytes / SECTOR_SIZE, into);
}

/** Writes a range whose data lie at `head` of a buffer that has room for the whole blocks. */
export async function writeWidened(
  port: Port,
  range: WidenedRange,
  length: number,
  block: number,
  data: Buffer,
  flags: number,
): Promise<void> {
  const { start, bytes, head } = range;
  const end = head + length;
  if (head > 0) {
    const before = await readBlock(port, start, block);
    data.set(before.subarray(0, head), 0);
  }
  if (end < bytes) {
    const after = await readBlock(port, start + bytes - block, block);
    data.set(after.subarray(block - (bytes - end)), end);
  }
  await port.write(start / SECTOR_SIZE, data.subarray(0, bytes), flags);
}

/** Zeroes a range: whole blocks as such, the parts of blocks at its ends by writing. */
export async function zeroUnaligned(
  port: Port,
  offset: number,
  length: number,
  block: number,
  flags: number,
): Promise<void> {
  const inside = narrow(offset, length, block);
  const end = offset + length;
  if (inside.bytes === 0) return zeroPart(port, offset, length, block);
  if (offset < inside.start) await zeroPart(port, offset, inside.start - offset, block);
  await port.writeZeroes(inside.start / SECTOR_SIZE, inside.bytes / SECTOR_SIZE, flags);
  const rest = inside.start + inside.bytes;
  return rest < end ? zeroPart(port, rest, end - rest, block) : undefined;
}

/** At most two blocks. */
async function zeroPart(port: Port, offset: number, length: number, block: number): Promise<void> {
  const range = widen(offset, length, block);
  await writeWidened(port, range, length, block, Buffer.alloc(range.bytes), 0);
}

async function readBlock(port: Port, start: number, block: number): Promise<Uint8Array> {
  return port.read(start / SECTOR_SIZE, block / SECTOR_SIZE);
}

/** What a failed operation of a port means for a reply. */
export function statusOf(error: unknown): Status {
  return isInterposerError(error) ? (error as Error & { errno: number }).errno : Status.Io;
}
