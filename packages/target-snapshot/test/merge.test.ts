import type { ChaosDisk } from '@interposer/conformance';
import { BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersIn, sectorsOf, turns, World } from './world.ts';

const SECTORS = 64;

let world: World;
let disk: ChaosDisk;
let store: ChaosDisk;

beforeEach(async () => {
  world = new World();
  disk = world.disk('disk', { sectors: SECTORS });
  disk.data.set(sectorsOf(Array.from({ length: SECTORS }, (_, sector) => sector + 1)));
  store = world.disk('a', { sectors: 256 });
  world.disk('b', { sectors: 256 });
  await world.create('s', table('snapshot'));
  // Two runs: the second is merged first.
  await world.writeNumbers('s', 8, 500);
  await world.writeNumbers('s', 40, 600);
});

afterEach(async () => {
  for (const one of [disk, store]) {
    one.heal();
    one.release();
  }
  await world.close();
});

function table(type: string, words = 'P 8', name = 'a'): string {
  return `0 ${String(SECTORS)} ${type} chaos:disk chaos:${name} ${words}`;
}

const onDisk = (sector: number): number =>
  numbersIn(disk.data.subarray(sector * 512, (sector + 1) * 512))[0]!;

describe('a merge', () => {
  it('lets a write to a chunk that is being copied back wait, and others pass', async () => {
    disk.hold(({ op, count }) => op === BioOp.Write && count === 8);
    await world.reload('s', table('snapshot-merge'));
    await turns();
    const writes = [
      await world.startWrite('s', 41, 601),
      await world.startWrite('s', 9, 501),
      await world.startWrite('s', 20, 700),
    ];
    await turns();
    expect(writes.map(({ ended }) => ended())).toEqual([false, true, true]);
    expect(await world.readNumbers('s', 40, 2)).toEqual([600, 42]);
    const row = { start: 0, length: SECTORS, type: 'snapshot-merge', activity: 'merge', total: 16 };
    expect(await world.engine.progress('s')).toEqual([{ ...row, done: 0 }]);
    disk.release();
    for (const { end } of writes) await end();
    await world.merged('s');
    expect(await world.engine.progress('s')).toEqual([{ ...row, done: 16 }]);
    expect(await world.readNumbers('s', 40, 2)).toEqual([600, 601]);
    expect([8, 9, 20, 40, 41].map(onDisk)).toEqual([500, 501, 700, 600, 601]);
  });

  it('waits for a write to the store that is under way', async () => {
    await world.wait(world.engine.load('s', table('snapshot-merge')));
    disk.hold(({ op, count }) => op === BioOp.Write && count === 8);
    await world.wait(world.engine.resume('s'));
    await turns();
    // While the second run is on its way back, the first is written to.
    store.hold(({ op, count }) => op === BioOp.Write && count === 1);
    const writing = await world.startWrite('s', 9, 501);
    disk.release();
    await turns();
    expect(onDisk(40)).toBe(600);
    expect(onDisk(8)).toBe(9);
    store.release();
    await writing.end();
    await world.merged('s');
    expect([8, 9].map(onDisk)).toEqual([500, 501]);
  });

  it('stops at a suspend, and goes on at the resume', async () => {
    disk.hold(({ op, count }) => op === BioOp.Write && count === 8);
    await world.reload('s', table('snapshot-merge'));
    await turns();
    const suspending = world.engine.suspend('s');
    await turns();
    disk.release();
    await world.wait(suspending);
    expect(await world.status('s')).toBe('24/256 16');
    expect([8, 40].map(onDisk)).toEqual([9, 600]);
    await world.wait(world.engine.resume('s'));
    await world.merged('s');
    expect([8, 40].map(onDisk)).toEqual([500, 600]);
  });

  it.each([
    ['a chunk cannot be read', 'store', BioOp.Read, 'Error 5 while copying back'],
    ['a chunk cannot be written', 'disk', BioOp.Write, 'Error 5 while copying back'],
    ['the origin cannot be flushed', 'disk', BioOp.Flush, 'Flush after merge failed'],
    ['an area cannot be written', 'store', BioOp.Write, 'Write error in exception store'],
  ] as const)('fails when %s, and the device goes on', async (_, which, op, reason) => {
    (which === 'disk' ? disk : store).fail(Status.Io, { op, times: 1 });
    await world.reload('s', table('snapshot-merge'));
    await turns();
    expect(await world.status('s')).toBe('Merge failed');
    expect((await world.engine.progress('s'))[0]!.failure).toBe('Merge failed');
    expect(world.log).toEqual([`${reason}: shutting down merge`]);
    await world.writeNumbers('s', 42, 602);
    expect(await world.readNumbers('s', 40, 3)).toEqual([600, 42, 602]);
    expect(await world.readNumbers('s', 8, 2)).toEqual([500, 10]);
    await world.remove('s');
    await world.create('s', table('snapshot-merge'));
    await world.merged('s');
    expect([8, 40, 42].map(onDisk)).toEqual([500, 600, 602]);
  });

  it('whose step does not end lets no other table come, which it would write over', async () => {
    disk.hold(({ op, count }) => op === BioOp.Write && count === 8);
    await world.reload('s', table('snapshot-merge'));
    await turns();
    await world.wait(world.engine.load('s', `0 ${String(SECTORS)} snapshot-origin chaos:disk`));
    await expect(world.wait(world.engine.resume('s'))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    disk.release();
    await world.merged('s');
    expect([8, 40].map(onDisk)).toEqual([500, 600]);
  });

  it('is the only one of its origin', async () => {
    await world.create('t', table('snapshot', 'P 8', 'b'));
    await world.reload('s', table('snapshot-merge'));
    await expect(
      world.wait(world.engine.load('t', table('snapshot-merge', 'P 8', 'b'))),
    ).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('A snapshot is already merging.'),
    });
  });

  it('needs a store that outlives it', async () => {
    await expect(world.create('m', table('snapshot-merge', 'N 8', 'b'))).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('Snapshot exception store does not support snapshot-merge.'),
    });
  });

  it('takes over from a device with requests under way to the origin', async () => {
    await world.create('o', `0 ${String(SECTORS)} snapshot-origin chaos:disk`);
    store.hold();
    const writing = await world.startWrite('o', 0, 1000);
    await world.wait(world.engine.load('s', table('snapshot')));
    await world.wait(world.engine.resume('s'));
    store.release();
    await writing.end();
    expect(await world.readNumbers('s', 0, 1)).toEqual([1]);
    expect(onDisk(0)).toBe(1000);
  });
});

describe('a change of tables', () => {
  it('that fails elsewhere leaves the exceptions where they were', async () => {
    await world.create('t', table('snapshot', 'P 8', 'b'));
    await world.wait(world.engine.create('u'));
    // Another device would take over from t, which is in use.
    await world.wait(world.engine.load('u', table('snapshot', 'P 8', 'b')));
    await expect(world.wait(world.engine.resume('u'))).rejects.toMatchObject({ code: 'EINVAL' });
    const edits = ['s', 'u'].map((device) => ({ kind: 'reload', device, table: table('snapshot') }) as const);
    await expect(world.wait(world.engine.transaction(edits))).rejects.toBeDefined();
    expect(await world.status('s')).toBe('32/256 16');
    await world.writeNumbers('s', 0, 400);
    expect(await world.readNumbers('s', 0, 2)).toEqual([400, 2]);
    await world.writeNumbers('t', 0, 401);
    expect(await world.status('t')).toBe('24/256 16');
  });
});
