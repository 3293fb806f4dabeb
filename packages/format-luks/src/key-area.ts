import {
  type CipherSpec,
  keySizes,
  loadEngines,
  openSectorCipher,
  parseCipherSpec,
} from '@interposer/block-cipher';
import { fail, SECTOR_SIZE } from '@interposer/core';
import { mergeKey, splitKey, STRIPES } from './anti-forensic.ts';
import { hashOf } from './hashes.ts';
import { wiping } from './wiping.ts';

/** Bytes of stripes that a key of a length takes, in whole sectors. */
export function stripesBytes(keyBytes: number): number {
  return Math.ceil((keyBytes * STRIPES) / SECTOR_SIZE) * SECTOR_SIZE;
}

/** How the stripes of a key are encrypted. */
export interface AreaCipher {
  /** As in a crypt table, e.g. `aes-xts-plain64`. */
  readonly encryption: string;
  /** The key of the key slot, which a passphrase became. */
  readonly slotKey: Uint8Array;
  /** Of the anti-forensic splitter. */
  readonly hash: string;
}

/**
 * What can be said without the key of the key slot, which costs much: EINVAL for a cipher or a length of the key that cannot
 * be, ENOTSUP for a cipher or hash that is not there, and for none at all.
 */
export function checkArea(encryption: string, slotKeyBytes: number, hash: string): void {
  hashOf(hash);
  const spec = specOf(encryption);
  if (!keySizes(spec).includes(slotKeyBytes)) {
    throw fail('EINVAL', `${encryption} of a key slot: it takes no key of ${String(slotKeyBytes)} bytes`);
  }
}

/** Whoever can write to a header could otherwise have a key slot opened by any passphrase. */
function specOf(encryption: string): CipherSpec {
  const spec = parseCipherSpec(encryption);
  if (spec.cipher !== 'cipher_null') return spec;
  throw fail('ENOTSUP', `${encryption}: a key slot that is not encrypted is not opened`);
}

/** A key as it stands on the disk: spread over stripes, those encrypted. */
export async function sealKey(key: Uint8Array, area: AreaCipher): Promise<Buffer> {
  const split = splitKey(key, area.hash);
  const padded = Buffer.alloc(stripesBytes(key.length));
  split.copy(padded);
  split.fill(0);
  try {
    await crypt(area, padded, true);
  } catch (error) {
    padded.fill(0);
    throw error;
  }
  return padded;
}

/** The key from what stands on the disk, which is overwritten. The result means nothing until a digest confirms it. */
export async function unsealKey(sealed: Buffer, keyBytes: number, area: AreaCipher): Promise<Buffer> {
  return wiping(sealed, async () => {
    await crypt(area, sealed, false);
    return mergeKey(sealed, keyBytes, area.hash);
  });
}

/** In place. Sectors count from the start of the area, always of 512 bytes, whatever those of the data are. */
async function crypt({ encryption, slotKey }: AreaCipher, data: Buffer, encrypting: boolean): Promise<void> {
  await loadEngines();
  const cipher = openSectorCipher(specOf(encryption), slotKey);
  try {
    if (encrypting) cipher.encrypt(data, 0, data, 0, data.length, 0);
    else cipher.decrypt(data, 0, data, 0, data.length, 0);
  } finally {
    cipher.wipe();
  }
}
