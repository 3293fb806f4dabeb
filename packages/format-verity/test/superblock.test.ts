import { describe, expect, it } from 'vitest';
import {
  HASH_NAMES,
  hashAlgorithm,
  layOutTree,
  makeSuperblock,
  parseSuperblock,
  readSuperblock,
  treeStart,
  writeSuperblock,
} from '../src/index.ts';
import { noise, paramsOf, UUID } from './image.ts';
import { MemoryStore } from './memory-store.ts';

const params = paramsOf({ salt: Uint8Array.from(noise(4, 256)) });

describe('superblock', () => {
  it('comes back as it was written', () => {
    for (const name of HASH_NAMES) {
      const superblock = { uuid: UUID, params: { ...params, algorithm: hashAlgorithm(name) } };
      expect(parseSuperblock(makeSuperblock(superblock))).toEqual(superblock);
    }
  });

  it('leaves the rest of a larger block as it is', async () => {
    const store = Object.assign(new MemoryStore(noise(5, 8192)), { limits: { logicalBlock: 4096 } });
    const before = Buffer.from(store.bytes);
    await writeSuperblock(store, 5120, { uuid: UUID, params });
    before.set(makeSuperblock({ uuid: UUID, params }), 5120);
    expect(store.bytes.equals(before)).toBe(true);
    expect((await readSuperblock(store, 5120)).uuid).toBe(UUID);
    await expect(readSuperblock(store, 700)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it.each([
    ['signature', 0, 'no verity superblock'],
    ['version', 8, 'version 254'],
    ['hash type', 12, 'hash type 254'],
    ['algorithm', 32, 'hash algorithm'],
    ['data block size', 65, 'a data block of 64768 bytes'],
    ['hash block size', 69, 'a hash block of 64768 bytes'],
    ['number of blocks', 79, 'blocks of data'],
    ['salt size', 81, 'a salt of 65024 bytes'],
  ])('is refused with a damaged %s', (_, at, text) => {
    const bytes = makeSuperblock({ uuid: UUID, params });
    bytes[at]! ^= 255;
    expect(() => parseSuperblock(bytes)).toThrow(text);
  });

  it('is refused, or says something else, with any byte changed', () => {
    const good = makeSuperblock({ uuid: UUID, params });
    const wanted = parseSuperblock(good);
    for (let at = 0; at < 344; at++) {
      // Padding behind the name of the algorithm and the size of the salt.
      if ((at >= 39 && at < 64) || (at >= 82 && at < 88)) continue;
      const bytes = Uint8Array.from(good);
      bytes[at]! ^= 1;
      let read: unknown;
      try {
        read = parseSuperblock(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(EINVAL|ENOTSUP)$/) });
      }
      expect(read).not.toEqual(wanted);
    }
  });

  it('does not bring what it names to a terminal', () => {
    const bytes = makeSuperblock({ uuid: UUID, params });
    bytes.set(Buffer.from('\u001b]0;me\u0007', 'latin1'), 32);
    expect(() => parseSuperblock(bytes)).toThrow('damaged verity superblock: no name of a hash algorithm');
  });

  it('is no UUID that is not one', () => {
    expect(() => makeSuperblock({ uuid: '1234', params })).toThrow('"1234" is no UUID');
  });
});

describe('places', () => {
  it('begin behind the superblock', () => {
    expect(treeStart(0, 4096, true)).toBe(1);
    expect(treeStart(4096, 4096, false)).toBe(1);
    expect(treeStart(4096, 512, true)).toBe(9);
    expect(treeStart(3584, 4096, true)).toBe(1);
    expect(treeStart(4096 + 512, 4096, true)).toBe(2);
  });

  it('of a tree of 2^40 blocks are exact', () => {
    const { levels, end } = layOutTree(
      paramsOf({ dataBlocks: 2 ** 40, dataBlockSize: 4096, hashBlockSize: 4096 }),
      1,
    );
    expect(levels.map(({ blocks }) => blocks)).toEqual([2 ** 33, 2 ** 26, 2 ** 19, 2 ** 12, 2 ** 5, 1]);
    expect(levels.map(({ start }) => start)).toEqual([
      2 + 2 ** 5 + 2 ** 12 + 2 ** 19 + 2 ** 26,
      2 + 2 ** 5 + 2 ** 12 + 2 ** 19,
      2 + 2 ** 5 + 2 ** 12,
      2 + 2 ** 5,
      2,
      1,
    ]);
    expect(end).toBe(levels[0]!.start + levels[0]!.blocks);
  });
});

describe('parameters', () => {
  it.each([
    [{ hashType: 2 as 1 }, 'hash type 2 is neither 0 nor 1'],
    [
      { dataBlockSize: 1000 },
      'a data block of 1000 bytes is not supported: a power of two from 512 to 524288',
    ],
    [{ hashBlockSize: 256 }, 'a hash block of 256 bytes'],
    [{ dataBlocks: 0 }, 'there must be one at least'],
    [{ dataBlocks: 2 ** 50 }, 'too many'],
    [{ salt: new Uint8Array(257) }, 'a salt of 257 bytes is too long: 256 at most'],
  ])('%o', (given, text) => {
    expect(() => layOutTree(paramsOf(given), 0)).toThrow(text);
  });

  it('algorithms have the names of the kernel', () => {
    expect(hashAlgorithm('rmd160').digestSize).toBe(20);
    for (const name of ['SHA256', 'whirlpool', 'crc32', 'constructor'])
      expect(() => hashAlgorithm(name)).toThrow(
        `hash algorithm ${name} is not supported; there are md5, sha1`,
      );
  });
});
