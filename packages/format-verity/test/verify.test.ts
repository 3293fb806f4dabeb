import { describe, expect, it } from 'vitest';
import { layOutTree, verifyTree } from '../src/index.ts';
import { formatted, noise, paramsOf } from './image.ts';

describe('verifyTree', () => {
  it('knows the root hash of a real kernel', async () => {
    const data = Buffer.concat(
      Array.from({ length: 300 }, (_, block) => Buffer.alloc(4096, (7 * block + 1) & 255)),
    );
    const params = paramsOf({
      dataBlockSize: 4096,
      hashBlockSize: 4096,
      dataBlocks: 300,
      salt: Buffer.from('aabb', 'hex'),
    });
    const image = await formatted(params, data);
    expect(image.root).toBe('435e4e0d9b2d6fa28eb7451c1549adee54b7c6ae46aa33a1c8dc8c3808d9a9d9');
    expect(await verifyTree(image, image.root)).toEqual([]);
  });

  it.each([
    ['type 1', paramsOf({ dataBlocks: 20 })],
    ['type 0', paramsOf({ dataBlocks: 20, hashType: 0 })],
    [
      'padded digests',
      paramsOf({ dataBlocks: 20, algorithm: { name: 'sha1', nodeName: 'sha1', digestSize: 20 } }),
    ],
    ['a single block', paramsOf({ dataBlocks: 1 })],
  ])('finds each byte of the data and of the tree that is changed: %s', async (_, params) => {
    const image = await formatted(params);
    const missed: string[] = [];
    for (const [name, store, start] of [
      ['data', image.data, 0],
      ['hash', image.hash, image.hashStart * params.hashBlockSize],
    ] as const) {
      for (let at = start; at < store.bytes.length; at++) {
        store.bytes[at]! ^= 1 << (at % 8);
        if ((await verifyTree(image, image.root)).length === 0) missed.push(`${name} ${at}`);
        store.bytes[at]! ^= 1 << (at % 8);
      }
    }
    expect(missed).toEqual([]);
    expect(await verifyTree(image, image.root)).toEqual([]);
  });

  it('says where', async () => {
    const params = paramsOf({ algorithm: { name: 'sha1', nodeName: 'sha1', digestSize: 20 } });
    const image = await formatted(params);
    const [lowest] = layOutTree(params, image.hashStart).levels;
    const first = lowest!.start * 512;
    image.data.bytes[5 * 512 + 17]! ^= 1;
    image.hash.bytes[first + 3 * 32 + 25] = 1;
    image.hash.bytes[first + (lowest!.blocks - 1) * 512 + 500] = 1;
    expect(await verifyTree(image, image.root, 9)).toEqual([
      { kind: 'spare', on: 'hash', position: first + 3 * 32 + 20 },
      { kind: 'block', on: 'data', position: 5 * 512 },
      { kind: 'spare', on: 'hash', position: first + (lowest!.blocks - 1) * 512 + 8 * 32 },
      { kind: 'block', on: 'hash', position: first },
      { kind: 'block', on: 'hash', position: first + (lowest!.blocks - 1) * 512 },
    ]);
    expect(await verifyTree(image, image.root)).toHaveLength(1);
  });

  it('finds another root hash', async () => {
    const image = await formatted(paramsOf());
    expect(await verifyTree(image, image.root.toUpperCase())).toEqual([]);
    expect(await verifyTree(image, noise(1, 32).toString('hex'))).toEqual([
      { kind: 'root', on: 'hash', position: image.hashStart * 512 },
    ]);
  });

  it('rejects where something cannot be read', async () => {
    const image = await formatted(paramsOf());
    image.data.bytes = image.data.bytes.subarray(0, 4096);
    await expect(verifyTree(image, image.root)).rejects.toThrow('beyond the end');
  });
});
