import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mergeKey, splitKey } from '../src/anti-forensic.ts';
import { hashOf } from '../src/hashes.ts';

const HASHES = [
  ['sha1', 'sha1'],
  ['sha224', 'sha224'],
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
  ['sha3-256', 'sha3-256'],
  ['sha3-512', 'sha3-512'],
  ['ripemd160', 'ripemd160'],
  ['blake2b-512', 'blake2b512'],
  ['blake2s-256', 'blake2s256'],
  ['sm3', 'sm3'],
] as const;

/** The specification word for word: one hash after the other, nothing shared with the code under test. */
function mergeSlowly(split: Buffer, bytes: number, algorithm: string, stripes: number): Buffer {
  let sum = Buffer.alloc(bytes);
  for (let stripe = 0; stripe < stripes; stripe++) {
    sum = Buffer.from(sum.map((byte, at) => byte ^ split[stripe * bytes + at]!));
    if (stripe === stripes - 1) return sum;
    const digestBytes = createHash(algorithm).digest().length;
    const parts: Buffer[] = [];
    for (let part = 0; part * digestBytes < bytes; part++) {
      const counter = Buffer.from([0, 0, 0, part]);
      const block = sum.subarray(part * digestBytes, (part + 1) * digestBytes);
      parts.push(createHash(algorithm).update(counter).update(block).digest().subarray(0, block.length));
    }
    sum = Buffer.concat(parts);
  }
  throw new Error('no stripes');
}

describe('the anti-forensic splitter', () => {
  it.each(HASHES)('gives a key back with %s, for keys of any length', (name, algorithm) => {
    for (const bytes of [1, 16, 20, 21, 32, 48, 64, 65]) {
      const key = randomBytes(bytes);
      const split = splitKey(key, name, 7);
      expect(split.length).toBe(bytes * 7);
      expect(mergeKey(split, bytes, name, 7)).toEqual(key);
      expect(mergeSlowly(split, bytes, algorithm, 7)).toEqual(key);
    }
  });

  it('loses the key with any single stripe', () => {
    const key = randomBytes(32);
    const split = splitKey(key, 'sha256', 5);
    for (let stripe = 0; stripe < 5; stripe++) {
      const damaged = Buffer.from(split);
      damaged[stripe * 32]! ^= 1;
      const merged = mergeKey(damaged, 32, 'sha256', 5);
      const same = merged.filter((byte, at) => byte === key[at]).length;
      // The last stripe is not diffused: there one byte differs.
      if (stripe === 4) expect(same).toBe(31);
      else expect(same).toBeLessThan(8);
    }
  });

  it('refuses an area that is too small', () => {
    expect(() => mergeKey(Buffer.alloc(63), 32, 'sha256', 2)).toThrow(/too few for 2 stripes/);
  });

  it('names a hash that is missing, and what is none', () => {
    expect(() => hashOf('blake2b-160')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
    expect(() => hashOf('shake256')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
    expect(() => hashOf('')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => hashOf('sha 256')).toThrow(/is no name of a hash/);
    expect(hashOf('SHA256')).toEqual({ algorithm: 'sha256', bytes: 32 });
    expect(hashOf('rmd160').bytes).toBe(20);
  });
});
