import { setImmediate } from 'node:timers/promises';
import type { Port } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import {
  createSnapshots,
  finishMerge,
  listSnapshots,
  mergeSnapshot,
  openSnapshot,
  removeSnapshot,
} from '../src/index.ts';
import { sectorsOf, World } from './world.ts';

/** A disk that a client has open, and a snapshot of it, whose first chunk and another one have changed since. */
async function changed(): Promise<{ world: World; client: Port; before: unknown }> {
  const world = new World();
  await world.store('base');
  const client = await world.disk('disk', 'held base');
  await world.store('cow');
  const before = await world.shape();
  await createSnapshots(world.engine, [{ device: 'disk', store: 'cow' }]);
  await client.write(0, sectorsOf([101, 102]));
  await client.write(64, sectorsOf([164]));
  return { world, client, before };
}

describe('a merge', () => {
  it('brings back what the device was, and leaves no trace', async () => {
    const { world, before } = await changed();
    expect(await mergeSnapshot(world.engine, 'disk-snap')).toMatchObject({ state: 'merging' });
    // From this moment on, and at the end.
    expect(await world.numbers('disk', 0, 3)).toEqual([1, 2, 3]);
    expect(await finishMerge(world.engine, 'disk-snap')).toMatchObject({ merge: { done: 16, total: 16 } });
    expect([await world.numbers('disk', 0, 3), await world.numbers('disk', 64)]).toEqual([[1, 2, 3], [65]]);
    expect(await world.shape()).toEqual(before);
    world.expectNoFault();
  });

  it('takes over what was written to the snapshot', async () => {
    const { world } = await changed();
    await world.write('disk-snap', 1, 222);
    await world.write('disk-snap', 200, 333);
    await mergeSnapshot(world.engine, 'disk-snap');
    await finishMerge(world.engine, 'disk-snap');
    expect([await world.numbers('disk', 0, 3), await world.numbers('disk', 200)]).toEqual([
      [1, 222, 3],
      [333],
    ]);
  });

  it('goes on while the device is written to', async () => {
    const { world, client } = await changed();
    world.hold.close();
    const info = await mergeSnapshot(world.engine, 'disk-snap');
    expect(info).toMatchObject({ state: 'merging', store: 'cow', merge: { done: 0, total: 16 } });
    while (world.hold.waiting === 0) await setImmediate();
    const write = client.write(1, sectorsOf([555]));
    world.hold.open();
    await write;
    await finishMerge(world.engine, 'disk-snap');
    expect(await world.numbers('disk', 0, 3)).toEqual([1, 555, 3]);
  });

  it.each(['newer', 'older'] as const)('keeps the %s snapshots of the device', async (which) => {
    const world = new World();
    await world.disk('disk');
    const before = await world.shape();
    for (const name of ['older', 'newer']) {
      await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M', name }]);
      await world.write('disk', 0, name === 'older' ? 100 : 200);
    }
    const merged = which === 'newer' ? 'older' : 'newer';
    await mergeSnapshot(world.engine, merged);
    await finishMerge(world.engine, merged);
    expect(await world.numbers('disk', 0)).toEqual([merged === 'older' ? 1 : 100]);
    expect(await world.numbers(which, 0)).toEqual([which === 'older' ? 1 : 100]);
    await world.write('disk', 8, 9999);
    expect(await world.numbers(which, 8)).toEqual([9]);
    await removeSnapshot(world.engine, which);
    expect(await world.shape()).toEqual(before);
    world.expectNoFault();
  });

  it('can be asked for again', async () => {
    const { world, before } = await changed();
    world.hold.close();
    await mergeSnapshot(world.engine, 'disk-snap');
    expect(await mergeSnapshot(world.engine, 'disk-snap')).toMatchObject({ state: 'merging' });
    world.hold.open();
    await finishMerge(world.engine, 'disk-snap');
    expect(await world.shape()).toEqual(before);
    await expect(finishMerge(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'ENXIO' });
  });

  it('goes on when nobody waits for it any more', async () => {
    const { world } = await changed();
    world.hold.close();
    await mergeSnapshot(world.engine, 'disk-snap');
    await expect(
      finishMerge(world.engine, 'disk-snap', { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    world.hold.open();
    await finishMerge(world.engine, 'disk-snap');
  });

  it('is not over when all is taken away under it', async () => {
    const { world } = await changed();
    world.hold.close();
    await mergeSnapshot(world.engine, 'disk-snap');
    const end = expect(finishMerge(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'ENXIO' });
    const yanking = world.engine.yank('disk-origin');
    world.hold.open();
    await yanking;
    await end;
  });

  it('has the device to itself', async () => {
    const { world } = await changed();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M', name: 'second' }]);
    world.hold.close();
    await mergeSnapshot(world.engine, 'disk-snap');
    for (const refused of [
      () => createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M' }]),
      () => mergeSnapshot(world.engine, 'second'),
      () => removeSnapshot(world.engine, 'disk-snap'),
    ])
      await expect(refused()).rejects.toMatchObject({
        code: 'EBUSY',
        message: expect.stringContaining('being merged') as string,
      });
    await expect(finishMerge(world.engine, 'second')).rejects.toMatchObject({ code: 'EINVAL' });
    // What is no harm can be done.
    await removeSnapshot(world.engine, 'second');
    world.hold.open();
    await finishMerge(world.engine, 'disk-snap');
    world.expectNoFault();
  });
});

describe('a merge that cannot be', () => {
  it('leaves a snapshot that is open as it is', async () => {
    const { world } = await changed();
    const port = await world.engine.open('disk-snap', { mode: 'read' });
    await expect(mergeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'EBUSY' });
    port.close();
    expect([await world.numbers('disk', 0), await world.numbers('disk-snap', 0)]).toEqual([[101], [1]]);
  });

  it('leaves the device and the snapshot at work where writes do not end', async () => {
    const { world, client } = await changed();
    world.hold.close();
    const write = client.write(128, sectorsOf([1128]));
    await expect(mergeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    world.hold.open();
    await write;
    await client.write(129, sectorsOf([1129]));
    expect(await world.numbers('disk', 127, 4)).toEqual([128, 1128, 1129, 131]);
    expect(await world.numbers('disk-snap', 127, 4)).toEqual([128, 129, 130, 131]);
    expect(await listSnapshots(world.engine)).toMatchObject([{ state: 'active' }]);
    world.expectNoFault();
  });

  it('is one of a snapshot that no restart leaves there', async () => {
    const { world } = await changed();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:1M', name: 'n', persistent: false }]);
    await expect(mergeSnapshot(world.engine, 'n')).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect(await world.numbers('n', 0)).toEqual([101]);
  });

  it('is one of an invalid snapshot', async () => {
    const { world } = await changed();
    await createSnapshots(world.engine, [{ device: 'disk', store: 'ram:24s', name: 'small' }]);
    for (const sector of [0, 64]) await world.write('disk', sector, 7);
    await expect(mergeSnapshot(world.engine, 'small')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('stays what it is where it fails, and the device can be used', async () => {
    const { world, client } = await changed();
    world.hold.failing = true;
    await mergeSnapshot(world.engine, 'disk-snap');
    await expect(finishMerge(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'EIO' });
    world.hold.failing = false;
    const [info] = await listSnapshots(world.engine);
    expect(info).toMatchObject({ state: 'merge-failed', merge: { failure: 'Merge failed' } });
    expect(await world.numbers('disk', 0, 3)).toEqual([1, 2, 3]);
    await client.write(0, sectorsOf([444]));
    await expect(removeSnapshot(world.engine, 'disk-snap')).rejects.toMatchObject({ code: 'EBUSY' });
    // Of both together nothing is lost: the same goes on with another engine.
    const again = new World();
    for (const name of ['base', 'cow']) {
      await again.store(name);
      await again.engine.write(name, 0, await world.engine.read(name, 0, 512));
    }
    await again.engine.create('disk', { table: '0 256 linear base 0' });
    await expect(openSnapshot(again.engine, { device: 'disk', store: 'cow' })).rejects.toMatchObject({
      code: 'EBUSY',
    });
    await openSnapshot(again.engine, { device: 'disk', store: 'cow', merge: true });
    await finishMerge(again.engine, 'disk-snap');
    expect(await again.numbers('disk', 0, 3)).toEqual([444, 2, 3]);
    expect(await again.numbers('disk', 64)).toEqual([65]);
  });
});
