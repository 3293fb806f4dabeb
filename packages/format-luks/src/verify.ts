import { timingSafeEqual } from 'node:crypto';
import { fail, type InterposerError, isInterposerError } from '@interposer/core';
import { deriveKey, type KdfLimits } from './kdf.ts';
import type { Unlocked } from './volume.ts';

/** What tells whether a key is the right one. */
export interface Digest {
  readonly hash: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

/** Whether a key is the one that a digest was made of. */
export async function isKeyOf(key: Uint8Array, digest: Digest, limits: KdfLimits = {}): Promise<boolean> {
  const { hash, iterations, salt } = digest;
  const found = await deriveKey(
    { type: 'pbkdf2', hash, iterations },
    key,
    salt,
    digest.digest.length,
    limits,
  );
  return timingSafeEqual(found, digest.digest);
}

/** A key, if it is the one that a digest was made of; else it is overwritten. */
export async function confirmed(key: Buffer, digest: Digest, limits: KdfLimits): Promise<Buffer | undefined> {
  let fits = false;
  try {
    fits = await isKeyOf(key, digest, limits);
  } finally {
    if (!fits) key.fill(0);
  }
  return fits ? key : undefined;
}

/**
 * Tries key slots one after the other, since each can take much memory. EACCES if none opens, with what kept a slot from being
 * tried; the failure itself if that is so of every one.
 */
export async function tryEach(
  slots: readonly number[],
  open: (slot: number) => Promise<Buffer | undefined>,
): Promise<Unlocked> {
  const failures: { readonly slot: number; readonly error: InterposerError }[] = [];
  for (const slot of slots) {
    try {
      const volumeKey = await open(slot);
      if (volumeKey !== undefined) return { volumeKey, slot };
    } catch (error) {
      if (!isInterposerError(error)) throw error;
      failures.push({ slot, error });
    }
  }
  const [first] = failures;
  if (first !== undefined && failures.length === slots.length) throw first.error;
  if (slots.length === 0) throw fail('EACCES', 'there is no key slot to open');
  const untried = failures.map(
    ({ slot, error }) => `; key slot ${String(slot)} was not tried: ${error.message}`,
  );
  throw fail('EACCES', `no key slot opens with this passphrase${untried.join('')}`);
}
