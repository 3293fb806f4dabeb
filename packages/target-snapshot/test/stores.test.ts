import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { brotliDecompressSync } from 'node:zlib';
import { type MemoryDisk, memoryDriver } from '@interposer/conformance';
import { createEngine, type Engine, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { stamp } from '../../conformance/test/kernel/disk.ts';
import { later } from '../../../tools/temporary.ts';
import { snapshot, snapshotMerge, snapshotOrigin } from '../src/index.ts';

interface History {
  readonly chunk: number;
  readonly store: string;
  readonly writes: readonly (readonly [device: 'o' | 's', sector: number, count: number, letter: string])[];
  readonly merged: string;
}

const FOLDER = new URL('../../conformance/vectors/snapshot/', import.meta.url);
const SECTORS = 64;
const STORE_BYTES = 128 * SECTOR_SIZE;

const { histories } = JSON.parse(readFileSync(new URL('histories.json', FOLDER), 'utf8')) as {
  histories: readonly History[];
};
const stores = brotliDecompressSync(readFileSync(new URL('stores.br', FOLDER)));
const mergedStores = brotliDecompressSync(readFileSync(new URL('merged-stores.br', FOLDER)));
const cases = histories.map((history, index) => ({
  ...history,
  index,
  kernelStore: stores.subarray(index * STORE_BYTES, (index + 1) * STORE_BYTES),
  kernelMerged: mergedStores.subarray(index * STORE_BYTES, (index + 1) * STORE_BYTES),
}));

const empty = (): Buffer => Buffer.concat(Array.from({ length: SECTORS }, (_, sector) => stamp('A', sector)));

/** What a device holds in the end. */
function contentOf({ writes }: History, device: 'o' | 's'): Buffer {
  const data = empty();
  for (const [name, sector, count, letter] of writes) {
    if (name !== device) continue;
    for (let at = sector; at < sector + count; at++) stamp(letter, at).copy(data, at * SECTOR_SIZE);
  }
  return data;
}

function bench(
  origin: Uint8Array,
  content: Uint8Array,
): { engine: Engine; disk: MemoryDisk; store: MemoryDisk } {
  const driver = memoryDriver();
  const disk = driver.add('disk', { sectors: SECTORS });
  const store = driver.add('store', { sectors: STORE_BYTES / SECTOR_SIZE });
  disk.data.set(origin);
  store.data.set(content);
  const engine = createEngine({ types: [snapshot, snapshotMerge, snapshotOrigin, driver] });
  later(() => engine.close());
  return { engine, disk, store };
}

function table(type: string, { store, chunk }: History): string {
  return `0 ${String(SECTORS)} ${type} memory:disk memory:store ${store} ${String(chunk)}`;
}

/** Where two differ first, for a message that can be read. */
function firstDifference(ours: Uint8Array, kernels: Uint8Array): string | undefined {
  const at = ours.findIndex((byte, index) => byte !== kernels[index]);
  return at < 0
    ? undefined
    : `byte ${String(at % SECTOR_SIZE)} of sector ${String(Math.floor(at / SECTOR_SIZE))}`;
}

describe.each(cases)('history $index, chunks of $chunk', (one) => {
  it('leaves the store that the kernel makes of it, byte for byte', async () => {
    const { engine, disk, store } = bench(empty(), new Uint8Array(STORE_BYTES));
    await engine.create('s', { table: table('snapshot', one) });
    await engine.create('o', { table: `0 ${String(SECTORS)} snapshot-origin memory:disk` });
    for (const [device, sector, count, letter] of one.writes) {
      const stamps = Array.from({ length: count }, (_, index) => stamp(letter, sector + index));
      await engine.write(device, sector, Buffer.concat(stamps));
    }
    expect(firstDifference(store.data, one.kernelStore)).toBeUndefined();
    expect(firstDifference(disk.data, contentOf(one, 'o'))).toBeUndefined();
  });

  it('in the kernel leaves a store that reads the same here', async () => {
    const { engine, store } = bench(contentOf(one, 'o'), one.kernelStore);
    await engine.create('s', { table: table('snapshot', one) });
    expect(firstDifference(await engine.read('s', 0, SECTORS), contentOf(one, 's'))).toBeUndefined();
    expect(firstDifference(store.data, one.kernelStore)).toBeUndefined();
  });

  it('is merged as in the kernel, byte for byte', async () => {
    const { engine, disk, store } = bench(contentOf(one, 'o'), one.kernelStore);
    await engine.create('m', { table: table('snapshot-merge', one) });
    let left = 10_000;
    while ((await engine.status('m'))[0]!.params !== one.merged && left-- > 0) await setImmediate();
    expect(left).toBeGreaterThan(0);
    expect(firstDifference(disk.data, contentOf(one, 's'))).toBeUndefined();
    expect(firstDifference(store.data, one.kernelMerged)).toBeUndefined();
  });
});
