import { SECTOR_SIZE } from '@interposer/core';
import type { Expectation } from './expectation.ts';

/** What a log on disk begins with. Without that nobody believes it. */
const MAGIC = 0x4d695272;
const COUNT_AT = 8;
/** Where the bits of a log on disk begin; a set one says that a region is clean. */
const BITS_AT = 1024;

/**
 * Looks at the disks of a mirror without the help of what is tested: the first leg holds what it must, which is answered, and
 * the others hold the same where the log says so.
 */
export function checkLegs(
  legs: readonly Uint8Array[],
  log: Uint8Array,
  regionSectors: number,
  model: Expectation,
): number[] {
  const [first, ...others] = legs;
  const found = model.check('the first leg', first!);
  const header = new DataView(log.buffer, log.byteOffset);
  if (header.getUint32(0, true) !== MAGIC) return found;
  const known = Number(header.getBigUint64(COUNT_AT, true));
  const size = regionSectors * SECTOR_SIZE;
  for (let region = 0; region < known && region * size < first!.length; region++) {
    if (((log[BITS_AT + (region >>> 3)]! >> (region & 7)) & 1) === 0) continue;
    const [from, to] = [region * size, (region + 1) * size];
    if (others.every((other) => isSame(first!.subarray(from, to), other.subarray(from, to)))) continue;
    throw new Error(`region ${String(region)} is clean in the log, and not the same on all legs`);
  }
  return found;
}

/** After a resync all legs hold the same, and what they must. */
export function checkSame(legs: readonly Uint8Array[], model: Expectation): void {
  const [first, ...others] = legs;
  model.check('the first leg after a resync', first!);
  if (!others.every((other) => isSame(first!, other))) throw new Error('the legs differ after a resync');
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
