import { fail, isInterposerError } from '@interposer/core';
import { HEADER_BYTES, MAGIC } from './luks1/header.ts';
import { Luks1Volume } from './luks1/volume.ts';
import { HEADER_SIZES, MAGIC as MAGICS } from './luks2/binary-header.ts';
import { Luks2Volume } from './luks2/volume.ts';
import { type LuksStorage, readIfPossible } from './storage.ts';
import type { HeaderVolume, LuksVolume } from './volume.ts';

const VERSION_AT = 6;

/**
 * Reads the LUKS header of a storage. EINVAL if there is none, or with what is wrong with it; ENOTSUP for a hash that is
 * missing. Nothing is written, also if one of the two copies of LUKS2 is damaged.
 */
export function readLuks(storage: LuksStorage): Promise<LuksVolume> {
  return readHeader(storage);
}

/** As `readLuks`. */
export async function readHeader(storage: LuksStorage): Promise<HeaderVolume> {
  if (storage.bytes < HEADER_BYTES) {
    throw fail('EINVAL', `no LUKS header: the device has ${String(storage.bytes)} bytes`);
  }
  const start = await readIfPossible(storage, 0, VERSION_AT + 2);
  if (isInterposerError(start)) {
    if (await hasSecondary(storage)) return Luks2Volume.read(storage);
    throw start;
  }
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) {
    if (await hasSecondary(storage)) return Luks2Volume.read(storage);
    throw fail('EINVAL', 'no LUKS header: there is no magic number at its start');
  }
  const version = start.readUInt16BE(VERSION_AT);
  if (version === 1) return Luks1Volume.read(storage);
  // A wrong number can be damage, which the second copy of LUKS2 outlives.
  if (version === 2 || (await hasSecondary(storage))) return Luks2Volume.read(storage);
  throw fail('EINVAL', `a LUKS header of version ${String(version)}, which is neither 1 nor 2`);
}

async function hasSecondary(storage: LuksStorage): Promise<boolean> {
  const { secondary } = MAGICS;
  for (const offset of HEADER_SIZES) {
    if (offset + secondary.length > storage.bytes) return false;
    const start = await readIfPossible(storage, offset, secondary.length);
    if (!isInterposerError(start) && start.equals(secondary)) return true;
  }
  return false;
}
