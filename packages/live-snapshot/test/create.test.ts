import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { createSnapshots, listSnapshots, removeSnapshot, storeSectors } from '../src/index.ts';
import { SECTORS, World } from './world.ts';

describe('a snapshot', () => {
  it('holds what the device was, while whoever has it open goes on', async () => {
    const world = new World();
    const client = await world.disk('disk');
    const [info] = await createSnapshots(world.engine, [{ device: 'disk', store: await world.store('cow') }]);
    expect(info).toEqual({
      name: 'disk-snap',
      device: 'disk',
      origin: 'disk-origin',
      store: 'cow',
      auto: false,
      persistent: true,
      chunk: 8,
      sectors: SECTORS,
      state: 'active',
      used: 16,
      size: 512,
      openCount: 0,
    });
    await client.write(3, new Uint8Array(2 * SECTOR_SIZE));
    expect(await world.numbers('disk', 2, 4)).toEqual([3, 0, 0, 6]);
    expect(await world.numbers('disk-snap', 2, 4)).toEqual([3, 4, 5, 6]);
    await world.write('disk-snap', 2, 77);
    expect(await world.numbers('disk', 2)).toEqual([3]);
    expect((await listSnapshots(world.engine))[0]).toMatchObject({ used: 24, state: 'active' });
  });

  it('is gone without a trace when it is removed', async () => {
    const world = new World();
    const client = await world.disk('disk');
    await world.store('cow');
    const before = await world.shape();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow', name: 'before' }]);
    await client.write(3, new Uint8Array(SECTOR_SIZE));
    expect(await removeSnapshot(world.engine, '/dev/mapper/before')).toMatchObject({
      name: 'before',
      used: 24,
    });
    expect(await world.shape()).toEqual(before);
    expect(await world.numbers('disk', 2, 3)).toEqual([3, 0, 5]);
    expect(await listSnapshots(world.engine)).toEqual([]);
    world.expectNoFault();
  });

  it.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
    'is one of several of one device, which go in any order: %j',
    async (order) => {
      const world = new World();
      await world.disk('disk');
      const before = await world.shape();
      const chunks = [8, 16, 4];
      for (const [at, chunk] of chunks.entries()) {
        await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M', chunk }]);
        await world.write('disk', 9, 1000 + at);
      }
      const names = ['disk-snap', 'disk-snap2', 'disk-snap3'];
      expect((await listSnapshots(world.engine)).map(({ name }) => name)).toEqual(names);
      const left = new Set([0, 1, 2]);
      for (const gone of order) {
        await removeSnapshot(world.engine, names[gone]!);
        left.delete(gone);
        await world.write('disk', 9, 2000 + gone);
        for (const at of left) expect(await world.numbers(names[at]!, 9)).toEqual([at === 0 ? 10 : 999 + at]);
      }
      expect(await world.shape()).toEqual(before);
    },
  );

  it('can be one of two of one device that are made together', async () => {
    const world = new World();
    await world.disk('disk');
    const pair = ['one', 'two'].map((name) => ({ device: 'disk', store: 'ram:1M', name, altitude: '1234' }));
    await createSnapshots(world.engine, pair);
    expect((await world.shape()).remaps).toEqual([
      { mapped: 'disk-origin', device: 'disk', altitude: '1234' },
    ]);
    await world.write('disk', 0, 99);
    expect([await world.numbers('one', 0), await world.numbers('two', 0)]).toEqual([[1], [1]]);
  });

  it('of an image that nobody has open is named by the file', async () => {
    const world = new World();
    const path = join(await temporaryFolder(), 'my disk.v1.img');
    await writeFile(path, new Uint8Array(SECTORS * SECTOR_SIZE).fill(7));
    const [info] = await createSnapshots(world.engine, [{ device: path, store: 'ram:1M' }]);
    expect(info).toMatchObject({ name: 'my-disk.v1-snap', origin: 'my-disk.v1-origin', device: path });
    await world.write(path, 0, 1);
    expect((await world.engine.read('my-disk.v1-snap', 0, 1))[0]).toBe(7);
    await removeSnapshot(world.engine, 'my-disk.v1-snap');
    expect(await world.engine.listDevices()).toEqual([]);
  });

  it('of a snapshot is one, too', async () => {
    const world = new World();
    await world.disk('disk');
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M' }]);
    await createSnapshots(world.engine, [{ device: 'disk-snap', store: 'ram:1M' }]);
    await world.write('disk-snap', 0, 50);
    await world.write('disk', 0, 60);
    expect(await world.numbers('disk-snap-snap', 0)).toEqual([1]);
    await expect(removeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'EBUSY' });
    await removeSnapshot(world.engine, 'disk-snap-snap');
    expect(await world.numbers('disk-snap', 0)).toEqual([50]);
  });

  it('has a store made for it, of which it tells the size', async () => {
    const world = new World();
    await world.disk('disk');
    const plans: unknown[] = [];
    const store = async (plan: { sectors: number; chunk: number }): Promise<string> => {
      plans.push(plan);
      return world.store('made', storeSectors(plan.sectors, plan.chunk));
    };
    await createSnapshots(world.engine, [{ device: 'disk', store, chunk: 1, auto: true }]);
    expect(plans).toMatchObject([{ name: 'disk-snap', device: { name: 'disk' }, sectors: 256, chunk: 1 }]);
    // Every chunk is lost, in an order that fills the areas of metadata one after the other.
    for (let sector = 0; sector < SECTORS; sector++) await world.write('disk', sector, 0);
    const all = Array.from({ length: SECTORS }, (_, sector) => sector + 1);
    expect(await world.numbers('disk-snap', 0, SECTORS)).toEqual(all);
    const [info] = await listSnapshots(world.engine);
    expect(info).toMatchObject({ state: 'active', auto: true, used: 1 + 9 + 256, size: 272 });
  });
});

describe('a snapshot whose store is full', () => {
  it('is invalid and can be removed, and the device goes on', async () => {
    const world = new World();
    const client = await world.disk('disk');
    const before = await world.shape();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:32s' }]);
    for (let sector = 0; sector < SECTORS; sector += 8)
      await client.write(sector, new Uint8Array(SECTOR_SIZE));
    expect(await listSnapshots(world.engine)).toMatchObject([
      { name: 'disk-snap', state: 'invalid', used: 0 },
    ]);
    await expect(world.numbers('disk-snap', 0)).rejects.toMatchObject({ code: 'EIO' });
    await removeSnapshot(world.engine, 'disk-snap');
    expect(await world.shape()).toEqual(before);
    expect(await world.numbers('disk', 7, 2)).toEqual([8, 0]);
    world.expectNoFault();
  });
});

describe('a snapshot of a device that is lost', () => {
  it('can be removed', async () => {
    const world = new World();
    const path = join(await temporaryFolder(), 'disk.img');
    await writeFile(path, new Uint8Array(SECTORS * SECTOR_SIZE));
    const client = await world.engine.open(path);
    await createSnapshots(world.engine, [{ device: path, store: 'ram:1M' }]);
    await world.engine.yank(path);
    client.close();
    await removeSnapshot(world.engine, 'disk-snap');
    expect(await world.shape()).toEqual({ names: [], remaps: [] });
  });
});
