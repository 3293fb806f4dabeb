import { hash } from 'node:crypto';
import { SECTOR_SIZE } from '@interposer/core';

/** A digest is 128 bits: so many numbers of 32. */
export const DIGEST_WORDS = 4;

/** A digest, or several one behind the other. */
export type Digests = Int32Array;

const ZERO_SECTOR = Buffer.alloc(SECTOR_SIZE);

/** What is hashed: the number of a sector, then its data. Filled again for each. */
const scratch = Buffer.alloc(8 + SECTOR_SIZE);

/**
 * A digest for each sector of some data, made of its place and its bytes. A sector of zeroes has the digest zero. The digest of
 * a whole disk is the exclusive or of those of its sectors, so that a change of one sector changes it without the others being
 * looked at, and the order of changes does not matter.
 */
export function digestSectors(sector: number, count: number, bytes: Uint8Array, at: number): Digests {
  const digests = new Int32Array(count * DIGEST_WORDS);
  const data = Buffer.from(bytes.buffer, bytes.byteOffset + at, count * SECTOR_SIZE);
  for (let index = 0; index < count; index++) {
    const start = index * SECTOR_SIZE;
    data.copy(scratch, 8, start, start + SECTOR_SIZE);
    if (ZERO_SECTOR.compare(scratch, 8) === 0) continue;
    scratch.writeDoubleLE(sector + index, 0);
    const digest = hash('sha256', scratch, 'buffer');
    for (let word = 0; word < DIGEST_WORDS; word++)
      digests[index * DIGEST_WORDS + word] = digest.readInt32LE(word * 4);
  }
  return digests;
}

/** Adds one digest of a row of digests to another, or takes it away again: exclusive or does both. */
export function mixDigest(into: Digests, intoIndex: number, digests: Digests, index: number): void {
  const to = intoIndex * DIGEST_WORDS;
  const from = index * DIGEST_WORDS;
  for (let word = 0; word < DIGEST_WORDS; word++) into[to + word]! ^= digests[from + word]!;
}

/** 32 hexadecimal digits. */
export function digestText(digest: Digests): string {
  return Array.from(digest, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
