import { createHash } from 'node:crypto';
import { Random } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { BlockHasher, HASH_NAMES, hashAlgorithm, loadEvpDigests } from '../src/index.ts';
import { evpDigests } from '../src/evp-digests.ts';
import { noise } from './image.ts';

await loadEvpDigests();

afterEach(() => {
  delete process.env.INTERPOSER_NO_FFI;
});

/** A hasher with, or without, the functions of OpenSSL. */
function hasherOf(isNode: boolean, ...given: ConstructorParameters<typeof BlockHasher>): BlockHasher {
  if (isNode) process.env.INTERPOSER_NO_FFI = '1';
  else delete process.env.INTERPOSER_NO_FFI;
  return new BlockHasher(...given);
}

/** Of node's own streams of hashes, whatever the hashers do. */
function expected(nodeName: string, parts: readonly Uint8Array[]): string {
  const hash = createHash(nodeName);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

// Where koffi was told to stay away, both are the same.
const ENGINES = process.env.INTERPOSER_NO_FFI === '1' ? [true] : [true, false];

describe.each(ENGINES)('hashers, node:crypto alone: %s', (isNode) => {
  it.skipIf(isNode)('are with the functions of OpenSSL', () => {
    expect(evpDigests()?.find('sha256')).toBeGreaterThan(0);
    expect(evpDigests()?.find('none')).toBe(0);
  });

  // They would be taken for its own by the next connection of TLS.
  it.skipIf(isNode)('leave no error behind', async () => {
    const { default: koffi } = await import('koffi');
    const peekError = koffi.load(null).func('unsigned long ERR_peek_error()') as () => number;
    expect(evpDigests()?.find('no such hash')).toBe(0);
    expect(peekError()).toBe(0);
  });

  it.each(HASH_NAMES)('%s', (name) => {
    const algorithm = hashAlgorithm(name);
    const memory = noise(1, 3 * 4096);
    const random = new Random(7);
    for (const saltSize of [0, 1, 32, 256]) {
      for (const hashType of [0, 1] as const) {
        for (const blockSize of [512, 1024, 4096]) {
          const salt = noise(saltSize, saltSize);
          const hasher = hasherOf(isNode, { algorithm, hashType, salt }, blockSize);
          const offset = random.below(memory.length - blockSize);
          const buffer = memory.subarray(1);
          const block = buffer.subarray(offset, offset + blockSize);
          const wanted = expected(algorithm.nodeName, hashType === 1 ? [salt, block] : [block, salt]);
          expect(hasher.digest(buffer, offset).toString('hex')).toBe(wanted);
          const digests = Buffer.concat([Buffer.from('xyz'), Buffer.from(wanted, 'hex')]);
          expect(hasher.matches(buffer, offset, digests, 3)).toBe(true);
          digests[3 + random.below(algorithm.digestSize)]! ^= 1 << random.below(8);
          expect(hasher.matches(buffer, offset, digests, 3)).toBe(false);
        }
      }
    }
  });

  it('keep their salt as it was, and leave a digest that was given alone', () => {
    const salt = Buffer.alloc(8, 1);
    const hasher = hasherOf(isNode, { algorithm: hashAlgorithm('sha256'), hashType: 1, salt }, 512);
    const block = noise(2, 1024);
    const first = hasher.digest(block, 0);
    const text = first.toString('hex');
    salt.fill(2);
    hasher.digest(block, 512);
    expect(first.toString('hex')).toBe(text);
    expect(hasher.matches(block, 0, first, 0)).toBe(true);
  });

  it('work in turns, and when garbage was collected', () => {
    const algorithms = ['sha256', 'md5', 'sha3-512'].map(hashAlgorithm);
    const block = noise(3, 512);
    const hashers = algorithms.map((algorithm) =>
      hasherOf(isNode, { algorithm, hashType: 0, salt: noise(4, 16) }, 512),
    );
    for (let round = 0; round < 2000; round++) {
      const index = round % hashers.length;
      const wanted = round < 3 ? hashers[index]!.digest(block, 0) : undefined;
      if (wanted !== undefined) expect(hashers[index]!.matches(block, 0, wanted, 0)).toBe(true);
      // Small pieces of memory, as many as a digest or a salt is given.
      else Buffer.from(new ArrayBuffer(48)).fill(round);
    }
    for (const [index, { nodeName }] of algorithms.entries())
      expect(hashers[index]!.digest(block, 0).toString('hex')).toBe(
        expected(nodeName, [block, noise(4, 16)]),
      );
  });

  it('read nothing behind a buffer', () => {
    const hasher = hasherOf(
      isNode,
      { algorithm: hashAlgorithm('sha256'), hashType: 1, salt: noise(4, 4) },
      512,
    );
    const buffer = noise(5, 1024).subarray(0, 1000);
    for (const offset of [489, -1, NaN, 2 ** 40]) {
      expect(() => hasher.digest(buffer, offset)).toThrow(RangeError);
      expect(() => hasher.matches(buffer, offset, buffer, 0)).toThrow(RangeError);
    }
    expect(hasher.digest(buffer, 488)).toHaveLength(32);
  });
});
