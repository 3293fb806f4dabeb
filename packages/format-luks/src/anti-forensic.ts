import { hash as digest, randomBytes } from 'node:crypto';
import { fail } from '@interposer/core';
import { type Hash, hashOf } from './hashes.ts';

// The anti-forensic splitter of LUKS: a key is spread over many stripes such that it is lost with any single one of them,
// since a disk may keep old copies of some sectors. See section 2.4 of the LUKS1 on-disk format.

/** Stripes that every known program writes; another number is refused. */
export const STRIPES = 4000;

const COUNTER_BYTES = 4;

/** Spreads a key over stripes: a buffer of its length times the number of stripes. */
export function splitKey(key: Uint8Array, hashName: string, stripes: number = STRIPES): Buffer {
  const diffusion = new Diffusion(key.length, hashOf(hashName));
  const split = Buffer.concat([randomBytes(key.length * (stripes - 1)), Buffer.alloc(key.length)]);
  diffusion.addAll(split, stripes - 1);
  const last = split.subarray(key.length * (stripes - 1));
  diffusion.addTo(key, last);
  diffusion.wipe();
  return split;
}

/** The key that was spread over stripes. */
export function mergeKey(
  split: Uint8Array,
  keyBytes: number,
  hashName: string,
  stripes: number = STRIPES,
): Buffer {
  if (split.length < keyBytes * stripes) {
    throw fail('EINVAL', `${String(split.length)} bytes are too few for ${String(stripes)} stripes`);
  }
  const diffusion = new Diffusion(keyBytes, hashOf(hashName));
  diffusion.addAll(split, stripes - 1);
  const key = Buffer.alloc(keyBytes);
  diffusion.addTo(split.subarray(keyBytes * (stripes - 1), keyBytes * stripes), key);
  diffusion.wipe();
  return key;
}

/** The running sum of the stripes, each of its digest-sized parts replaced by its digest after each stripe. */
class Diffusion {
  readonly #state: Buffer;
  readonly #hash: Hash;
  /** The number of a part, big endian, and the part: what is hashed. */
  readonly #inputs: readonly Buffer[];

  constructor(keyBytes: number, hash: Hash) {
    this.#state = Buffer.alloc(keyBytes);
    this.#hash = hash;
    const parts = Math.ceil(keyBytes / hash.bytes);
    this.#inputs = Array.from({ length: parts }, (_, part) => {
      const input = Buffer.alloc(COUNTER_BYTES + Math.min(hash.bytes, keyBytes - part * hash.bytes));
      input.writeUInt32BE(part);
      return input;
    });
  }

  addAll(stripes: Uint8Array, count: number): void {
    const state = this.#state;
    for (let at = 0; at < count * state.length;) {
      for (let byte = 0; byte < state.length; byte++, at++) state[byte]! ^= stripes[at]!;
      this.#diffuse();
    }
  }

  /** Writes the sum of the state and another buffer. */
  addTo(other: Uint8Array, target: Uint8Array): void {
    for (let byte = 0; byte < this.#state.length; byte++) target[byte] = this.#state[byte]! ^ other[byte]!;
  }

  wipe(): void {
    for (const buffer of [this.#state, ...this.#inputs]) buffer.fill(0);
  }

  #diffuse(): void {
    let at = 0;
    for (const input of this.#inputs) {
      const length = input.length - COUNTER_BYTES;
      this.#state.copy(input, COUNTER_BYTES, at, at + length);
      // As a string it costs less than half of what it does as a buffer of its own.
      this.#state.write(digest(this.#hash.algorithm, input, 'binary'), at, length, 'latin1');
      at += length;
    }
  }
}
