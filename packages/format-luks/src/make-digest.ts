import { randomBytes } from 'node:crypto';
import { deriveKey, DIGEST_ITERATIONS } from './kdf.ts';
import type { Digest } from './verify.ts';

const SALT_BYTES = 32;

/** The digest of a new volume key. */
export async function makeDigest(
  volumeKey: Uint8Array,
  hash: string,
  bytes: number,
  iterations: number = DIGEST_ITERATIONS,
): Promise<Digest> {
  const salt = randomBytes(SALT_BYTES);
  const digest = await deriveKey({ type: 'pbkdf2', hash, iterations }, volumeKey, salt, bytes);
  return { hash, iterations, salt, digest };
}
