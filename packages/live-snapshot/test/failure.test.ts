import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { createSnapshots, listSnapshots, removeSnapshot, type SnapshotRequest } from '../src/index.ts';
import { SECTORS, sectorsOf, World } from './world.ts';

const CASES: readonly {
  readonly title: string;
  readonly request: Partial<SnapshotRequest>;
  readonly code: string;
  readonly text: string;
  readonly first?: (world: World) => Promise<unknown>;
}[] = [
  { title: 'a store that is not there', request: { store: '/nowhere/cow' }, code: 'ENOENT', text: 'no file' },
  { title: 'a name that is taken', request: { name: 'other' }, code: 'EBUSY', text: 'other' },
  { title: 'a name that cannot be', request: { name: 'a/b' }, code: 'EINVAL', text: 'a/b' },
  { title: 'a device that is not there', request: { device: '/nowhere/d' }, code: 'ENOENT', text: 'no file' },
  {
    title: 'an altitude that is taken',
    request: {},
    code: 'EBUSY',
    text: 'altitude 200000',
    first: async ({ engine }) => {
      await engine.create('cover', { table: `0 ${String(SECTORS)} linear disk 0 noexcl` });
      await engine.startRemap('cover', 'disk');
    },
  },
  { title: 'a store that is too small', request: { store: 'ram:16s' }, code: 'ENOSPC', text: 'at least 24' },
  { title: 'the device itself as the store', request: { store: 'disk' }, code: 'EBUSY', text: 'in use' },
  { title: 'a store that somebody uses', request: { store: 'base' }, code: 'EBUSY', text: 'in use' },
  {
    title: 'a store with data',
    request: {},
    code: 'EINVAL',
    text: 'not empty',
    first: (world) => world.engine.write('cow', 300, sectorsOf([1])),
  },
  {
    title: 'a store with a snapshot',
    request: {},
    code: 'EEXIST',
    text: 'holds a snapshot',
    first: async ({ engine }) => {
      await createSnapshots(engine, [{ device: 'other', store: 'cow' }]);
      await removeSnapshot(engine, 'other-snap');
    },
  },
  {
    title: 'the store of another snapshot',
    request: {},
    code: 'EBUSY',
    text: 'in use',
    first: ({ engine }) => createSnapshots(engine, [{ device: 'other', store: 'cow' }]),
  },
  { title: 'a chunk that cannot be', request: { chunk: 7 }, code: 'EINVAL', text: 'power of 2' },
  { title: 'an altitude that is none', request: { altitude: 'high' }, code: 'EINVAL', text: 'altitude' },
  {
    title: 'a store that cannot be read',
    request: { store: 'broken' },
    code: 'EIO',
    text: 'read of sectors 8',
    first: ({ engine }) => engine.create('broken', { table: '0 8 linear ram:1M 0\n8 504 error' }),
  },
  {
    title: 'writes that do not end',
    request: {},
    code: 'ETIMEDOUT',
    text: 'drain',
    first: async (world) => {
      world.hold.close();
      void world.engine.write('disk', 0, sectorsOf([1]));
    },
  },
];

async function disks(): Promise<World> {
  const world = new World();
  await world.store('base');
  await world.disk('disk', 'held base');
  await world.disk('other');
  await world.store('cow');
  return world;
}

describe('a snapshot that cannot be made', () => {
  it.each(CASES)('leaves everything as it was: $title', async ({ request, code, text, first }) => {
    const world = await disks();
    await first?.(world);
    const before = [await world.shape(), await listSnapshots(world.engine)];
    const stored = Buffer.from(await world.engine.read('cow', 0, 512));
    // With one before it that could be made.
    const requests = [
      { device: 'other', store: 'ram:1M', name: 'good' },
      { device: 'disk', store: 'cow', ...request },
    ];
    const making = createSnapshots(world.engine, requests);
    await expect(making).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
    expect([await world.shape(), await listSnapshots(world.engine)]).toEqual(before);
    expect(stored.equals(await world.engine.read('cow', 0, 512))).toBe(true);
    world.hold.open();
    for (const name of ['disk', 'other']) {
      await world.write(name, 5, 55);
      expect(await world.numbers(name, 5, 2)).toEqual([55, 7]);
    }
    world.expectNoFault();
  });

  it('leaves the other snapshots of the device at work', async () => {
    const world = await disks();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M', name: 'older' }]);
    world.hold.close();
    const write = world.engine.write('disk', 16, sectorsOf([99]));
    const making = createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    await expect(making).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    world.hold.open();
    await write;
    expect(await listSnapshots(world.engine)).toMatchObject([{ name: 'older', state: 'active' }]);
    expect(await world.numbers('older', 16)).toEqual([17]);
    // What could not be made then can be made now, with the same store.
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    await world.write('disk', 16, 100);
    expect([await world.numbers('older', 16), await world.numbers('disk-snap', 16)]).toEqual([[17], [99]]);
  });

  it('is not made of what belongs to other snapshots', async () => {
    const world = await disks();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    for (const device of ['disk-real', 'disk-origin'])
      await expect(createSnapshots(world.engine, [{ device, store: 'ram:1M' }])).rejects.toMatchObject({
        code: 'EINVAL',
      });
  });
});

describe('a snapshot that is in use', () => {
  it('is not removed', async () => {
    const world = await disks();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    const port = await world.engine.open('disk-snap', { mode: 'read' });
    await expect(removeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'EBUSY' });
    await world.engine.write('disk', 0, new Uint8Array(SECTOR_SIZE));
    expect(await world.numbers('disk-snap', 0)).toEqual([1]);
    port.close();
    await removeSnapshot(world.engine, 'disk-snap');
  });

  it('does not go where the device cannot be left', async () => {
    const world = await disks();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    world.hold.close();
    const write = world.engine.write('disk', 16, sectorsOf([99]));
    await expect(removeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    world.hold.open();
    await write;
    expect(await world.numbers('disk-snap', 16)).toEqual([17]);
    await world.write('disk', 17, 98);
    expect(await world.numbers('disk-snap', 17)).toEqual([18]);
  });

  it.each(['nosuch', 'disk', 'disk-origin'])('%s is no snapshot', async (name) => {
    const world = await disks();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
    await expect(removeSnapshot(world.engine, name)).rejects.toMatchObject({
      code: 'ENXIO',
      message: `there is no snapshot ${name}; snapshots: disk-snap`,
    });
  });
});
