import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { createSnapshots, finishMerge, listSnapshots, mergeSnapshot, openSnapshot } from '../src/index.ts';
import { SECTORS, sectorsOf, World } from './world.ts';

interface Images {
  readonly disk: string;
  readonly store: string;
}

async function images(): Promise<Images> {
  const folder = await temporaryFolder();
  const [disk, store] = [join(folder, 'disk.img'), join(folder, 'disk.cow')];
  await writeFile(disk, sectorsOf(Array.from({ length: SECTORS }, (_, sector) => sector + 1)));
  await writeFile(store, new Uint8Array(512 * SECTOR_SIZE));
  return { disk, store };
}

/** The images of a snapshot that was made, and of changes after it, in an engine that has ended. */
async function before(): Promise<Images> {
  const files = await images();
  const world = new World();
  await createSnapshots(world.engine, [{ device: files.disk, store: files.store }]);
  await world.write(files.disk, 0, 100);
  await world.write('disk-snap', 1, 200);
  await world.close();
  return files;
}

/** Makes a snapshot that its store is too small for. */
async function fill(world: World, device: string, store: string): Promise<void> {
  await writeFile(store, new Uint8Array(32 * SECTOR_SIZE));
  await createSnapshots(world.engine, [{ device, store }]);
  for (let sector = 64; sector < SECTORS; sector += 8) await world.write(device, sector, 0);
  expect(await listSnapshots(world.engine)).toMatchObject([{ state: 'invalid' }]);
}

describe('a snapshot of before a restart', () => {
  it('is what it was', async () => {
    const { disk, store } = await before();
    const world = new World();
    const info = await openSnapshot(world.engine, { device: disk, store, name: 'again', auto: true });
    expect(info).toMatchObject({ name: 'again', device: disk, store, chunk: 8, state: 'active', auto: true });
    expect([await world.numbers(disk, 0, 3), await world.numbers('again', 0, 3)]).toEqual([
      [100, 2, 3],
      [1, 200, 3],
    ]);
    await world.write(disk, 64, 300);
    expect(await world.numbers('again', 64)).toEqual([65]);
    await mergeSnapshot(world.engine, 'again');
    await finishMerge(world.engine, 'again');
    expect(await world.numbers(disk, 0, 3)).toEqual([1, 200, 3]);
  });

  it('can be merged at once', async () => {
    const { disk, store } = await before();
    const world = new World();
    const info = await openSnapshot(world.engine, { device: disk, store, merge: true });
    expect(info).toMatchObject({ state: 'merging', store });
    await finishMerge(world.engine, info.name);
    expect(await world.numbers(disk, 0, 3)).toEqual([1, 200, 3]);
    expect(await world.engine.listDevices()).toEqual([]);
  });

  it('can be merged beside another one that is open', async () => {
    const files = await images();
    const second = `${files.store}2`;
    await writeFile(second, new Uint8Array(512 * SECTOR_SIZE));
    const world = new World();
    const { disk: device } = files;
    for (const store of [files.store, second]) {
      await createSnapshots(world.engine, [{ device, store }]);
      await world.write(device, 0, store === second ? 200 : 100);
    }
    await world.close();
    const again = new World();
    await openSnapshot(again.engine, { device, store: second, name: 'second' });
    await openSnapshot(again.engine, { device, store: files.store, name: 'first', merge: true });
    await finishMerge(again.engine, 'first');
    expect([await again.numbers(device, 0), await again.numbers('second', 0)]).toEqual([[1], [100]]);
    again.expectNoFault();
  });

  it.each([
    ['is a disk of zeroes', 'empty', 'ENODATA', 'holds no snapshot'],
    ['is something else', 'other', 'ENODATA', 'holds no snapshot'],
    ['was full', 'full', 'ENODATA', 'is invalid'],
    ['is not there', 'missing', 'ENOENT', 'no file'],
    ['is the device', 'device', 'EBUSY', 'in use'],
  ])('cannot be had from a store that %s', async (_, kind, code, text) => {
    const { disk, store } = await images();
    const world = new World();
    if (kind === 'other') await world.write(store, 0, 5);
    if (kind === 'full') await fill(world, disk, store);
    await world.close();
    const again = new World();
    const spec = { missing: `${store}.not`, device: disk }[kind] ?? store;
    for (const merge of [false, true]) {
      const opening = openSnapshot(again.engine, { device: disk, store: spec, merge });
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
      expect(await again.engine.listDevices()).toEqual([]);
    }
    expect((await again.engine.read(disk, 5, 1))[0]).toBe(6);
  });
});
