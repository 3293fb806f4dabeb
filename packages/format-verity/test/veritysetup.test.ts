import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer, runPeer } from '../../../tools/peers.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import {
  countRepairable,
  dumpText,
  encodeFec,
  type FecPlaces,
  hashAlgorithm,
  layOutFec,
  readSuperblock,
  treeStart,
  type VerityParams,
  verifyTree,
} from '../src/index.ts';
import { formatted, type Image, noise, paramsOf, UUID } from './image.ts';
import { MemoryStore } from './memory-store.ts';

const SIZES = [512, 1024, 2048, 4096];
const SALTS = [0, 7, 32, 256];
const ALGORITHMS = [
  ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'ripemd160'],
  ...['blake2b-512', 'blake2s-256', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512', 'sm3'],
];

/** What `veritysetup format` takes for the same image. */
function wordsOf({ algorithm, hashType, salt, dataBlockSize, hashBlockSize }: VerityParams): string[] {
  return [
    `--hash=${algorithm.name}`,
    `--format=${hashType}`,
    `--salt=${salt.length === 0 ? '-' : Buffer.from(salt).toString('hex')}`,
    `--data-block-size=${dataBlockSize}`,
    `--hash-block-size=${hashBlockSize}`,
    `--uuid=${UUID}`,
  ];
}

/** Formats the same with both, and expects the same bytes, the same root hash and the same text. */
async function expectSame(folder: string, params: VerityParams): Promise<Image> {
  const ours = await formatted(params);
  const [data, hash] = [join(folder, 'data'), join(folder, 'hash')];
  await writeFile(data, ours.data.bytes);
  await writeFile(hash, '');
  const { stdout } = await runPeer('veritysetup', ['format', data, hash, ...wordsOf(params)]);
  const theirs = await readFile(hash);
  const facts = { name: hash, uuid: UUID, params, hashOffset: 0, hasSuperblock: true };
  expect(stdout).toBe(dumpText({ ...facts, rootHash: ours.root }));
  expect(theirs.equals(ours.hash.bytes)).toBe(true);
  expect(await readSuperblock(new MemoryStore(theirs), 0)).toEqual({
    uuid: UUID,
    params: { ...params, salt: Uint8Array.from(params.salt) },
  });
  return ours;
}

describe.skipIf(!peer('veritysetup'))('images of veritysetup', () => {
  it.each(ALGORITHMS)('%s', async (name) => {
    const folder = await temporaryFolder();
    for (const size of SIZES) {
      for (const [index, saltSize] of SALTS.entries()) {
        const image = {
          algorithm: hashAlgorithm(name),
          dataBlockSize: size,
          hashBlockSize: size,
          salt: noise(size, saltSize),
        };
        await expectSame(folder, paramsOf({ ...image, hashType: index % 2 === 0 ? 1 : 0 }));
      }
    }
  });

  it.each([0, 1] as const)('data and hash blocks of different sizes, type %i', async (hashType) => {
    const folder = await temporaryFolder();
    for (const dataBlockSize of SIZES) {
      for (const hashBlockSize of SIZES)
        for (const name of ['sha1', 'sha512'])
          await expectSame(
            folder,
            paramsOf({
              algorithm: hashAlgorithm(name),
              hashType,
              dataBlockSize,
              hashBlockSize,
              dataBlocks: 70,
            }),
          );
    }
  });

  it.each([1, 2, 16, 17, 256, 257, 4097])('%i blocks of data', async (dataBlocks) => {
    await expectSame(await temporaryFolder(), paramsOf({ dataBlocks }));
  });

  it('verifies what is formatted here', async () => {
    const folder = await temporaryFolder();
    const { data, hash, root } = await formatted(
      paramsOf({ dataBlocks: 300, dataBlockSize: 4096, hashBlockSize: 1024 }),
    );
    await writeFile(join(folder, 'data'), data.bytes);
    await writeFile(join(folder, 'hash'), hash.bytes);
    await runPeer('veritysetup', ['verify', join(folder, 'data'), join(folder, 'hash'), root]);
    hash.bytes[3000]! ^= 1;
    await writeFile(join(folder, 'hash'), hash.bytes);
    await expect(
      runPeer('veritysetup', ['verify', join(folder, 'data'), join(folder, 'hash'), root]),
    ).rejects.toThrow();
  });

  it('an image on one device, without a superblock', async () => {
    const file = join(await temporaryFolder(), 'image');
    const data = noise(9, 300 * 1024);
    await writeFile(file, Buffer.concat([data], 400 * 1024));
    const { stdout } = await runPeer('veritysetup', [
      ...['format', file, file, '--no-superblock', '--data-blocks=300', `--hash-offset=${301 * 1024}`],
      ...['--data-block-size=1024', '--hash-block-size=1024', '--salt=aabb'],
    ]);
    const root = /Root hash:\s+(\w+)/.exec(stdout)![1]!;
    const params = paramsOf({
      dataBlockSize: 1024,
      hashBlockSize: 1024,
      dataBlocks: 300,
      salt: Buffer.from('aabb', 'hex'),
    });
    const store = new MemoryStore(await readFile(file));
    const places = { params, data: store, hash: store, hashStart: treeStart(301 * 1024, 1024, false) };
    expect(await verifyTree(places, root)).toEqual([]);
    expect(stdout).toBe(
      dumpText({
        name: file,
        uuid: '',
        params,
        hashOffset: 301 * 1024,
        hasSuperblock: false,
        rootHash: root,
      }),
    );
  });
});

describe.skipIf(!peer('veritysetup'))('parity of veritysetup', () => {
  it.each([
    [2, 512, 40],
    [3, 1024, 300],
    [8, 512, 600],
    [17, 512, 20],
    [24, 4096, 260],
  ])('%i roots, blocks of %i bytes, %i of data', async (roots, size, dataBlocks) => {
    const folder = await temporaryFolder();
    const [data, hash, fec] = ['data', 'hash', 'fec'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const params = paramsOf({ dataBlockSize: size, hashBlockSize: size, dataBlocks });
    const image = await formatted(params);
    await writeFile(data, image.data.bytes);
    const { stdout } = await runPeer('veritysetup', [
      ...['format', data, hash, ...wordsOf(params)],
      ...[`--fec-device=${fec}`, `--fec-roots=${roots}`],
    ]);
    const layout = layOutFec(params, roots, dataBlocks + image.hash.bytes.length / size - image.hashStart);
    const places: FecPlaces & { fec: MemoryStore } = {
      ...image,
      layout,
      fec: new MemoryStore(layout.parityBlocks * size),
      fecOffset: 0,
    };
    await encodeFec(places);
    expect((await readFile(fec)).equals(places.fec.bytes)).toBe(true);
    const facts = {
      name: hash,
      uuid: UUID,
      params,
      hashOffset: 0,
      hasSuperblock: true,
      rootHash: image.root,
    };
    expect(stdout).toBe(dumpText({ ...facts, fec: { layout, offset: 0 } }));
    expect(await countRepairable(places)).toBe(0);
  });
});
