import type { ChaosDisk } from '@interposer/conformance';
import { BioFlag, BioOp } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ORIGIN, OriginWorld, SECTORS, table } from './origin-world.ts';
import { numbersIn, sectorsOf, turns, World } from './world.ts';

let world: OriginWorld;
let disk: ChaosDisk;
let store: ChaosDisk;

beforeEach(() => {
  world = new OriginWorld();
  ({ origin: disk, store } = world);
});

afterEach(() => world.finish());

const eight = (first: number): number[] => Array.from({ length: 8 }, (_, index) => first + index);

describe('a snapshot', () => {
  it.each(['P', 'N'])('keeps what was there, in a store %s', async (letter) => {
    await world.create('o', ORIGIN);
    await world.create('s', table(`${letter} 8`));
    await world.writeNumbers('o', 3, 1000, 1001);
    await world.writeNumbers('s', 40, 2000);
    expect(await world.readNumbers('s', 2, 4)).toEqual(
      [3, 4, 1001, 6].map((number, index) => (index === 2 ? 5 : number)),
    );
    expect(await world.readNumbers('o', 2, 4)).toEqual([3, 1000, 1001, 6]);
    expect(await world.readNumbers('s', 39, 3)).toEqual([40, 2000, 42]);
    expect(await world.readNumbers('o', 39, 3)).toEqual([40, 41, 42]);
    expect(await world.status('s')).toBe(letter === 'P' ? '32/512 16' : '16/512 0');
  });

  it('has a chunk copied out once, however many writes want it', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    const before = disk.arrived[BioOp.Read]!;
    disk.hold(({ op }) => op === BioOp.Read);
    const writes = [];
    for (let i = 0; i < 8; i++) writes.push(await world.startWrite(i % 2 === 0 ? 'o' : 's', i, 1000 + i));
    await turns();
    expect(writes.some(({ ended }) => ended())).toBe(false);
    disk.release();
    for (const { end } of writes) await end();
    expect(disk.arrived[BioOp.Read]! - before).toBe(1);
    expect(await world.readNumbers('s', 0, 8)).toEqual([1, 1001, 3, 1003, 5, 1005, 7, 1007]);
    expect(await world.readNumbers('o', 0, 8)).toEqual([1000, 2, 1002, 4, 1004, 6, 1006, 8]);
  });

  it('takes a write of a whole chunk without a copy', async () => {
    await world.create('s', table('P 8'));
    const before = disk.requests;
    await world.writeNumbers('s', 16, ...eight(500));
    expect(disk.requests).toBe(before);
    expect(await world.readNumbers('s', 15, 10)).toEqual([16, ...eight(500), 25]);
  });

  it('has an exception on the disk before the write that made it is told to be done', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    store.hold(({ op, flags }) => op === BioOp.Write && (flags & BioFlag.Fua) !== 0);
    const writes = [
      await world.startWrite('o', 0, 1),
      await world.startWrite('s', 9, 1),
      await world.startWrite('s', 16, ...eight(500)),
    ];
    await turns();
    expect(writes.map(({ ended }) => ended())).toEqual([false, false, false]);
    expect(numbersIn(disk.data.subarray(0, 512))).toEqual([1]);
    store.release();
    for (const { end } of writes) await end();
  });

  it('writes down many exceptions at once', async () => {
    await world.create('s', table('P 8'));
    store.hold();
    const writes = [];
    for (let chunk = 0; chunk < 32; chunk++)
      writes.push(await world.startWrite('s', chunk * 8, ...eight(chunk * 100)));
    const before = store.arrived[BioOp.Flush]!;
    store.release('newest');
    for (const { end } of writes) await end();
    expect(store.arrived[BioOp.Flush]! - before).toBe(1);
  });

  it('is not overtaken by a write to the origin while it reads there', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    disk.hold(({ op, count }) => op === BioOp.Read && count === 1);
    const reading = await world.startRead('s', 5, 1);
    const writing = await world.startWrite('o', 5, 1000);
    await turns();
    expect(writing.ended()).toBe(false);
    expect(await world.status('s')).toBe('24/512 16');
    disk.release();
    expect(await reading.end()).toEqual([6]);
    await writing.end();
    expect(await world.readNumbers('s', 5, 1)).toEqual([6]);
    expect(await world.readNumbers('o', 5, 1)).toEqual([1000]);
  });

  it('holds what was under way to the origin when it came, and nothing later', async () => {
    await world.create('o', ORIGIN);
    disk.hold(({ op }) => op === BioOp.Write);
    const early = await world.startWrite('o', 3, 1000);
    await world.create('s', table('P 8'));
    const reading = await world.startRead('s', 3, 1);
    const late = await world.startWrite('o', 3, 2000);
    await turns();
    expect(late.ended()).toBe(false);
    disk.release();
    await early.end();
    await late.end();
    expect(await reading.end()).toEqual([1000]);
    expect(await world.readNumbers('s', 2, 3)).toEqual([3, 1000, 5]);
    expect(await world.readNumbers('o', 3, 1)).toEqual([2000]);
  });

  it('ends where its row ends: what lies behind is not kept', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', '0 100 snapshot chaos:disk chaos:a P 8');
    await world.writeNumbers('o', 104, ...eight(1));
    expect(await world.status('s')).toBe('16/512 16');
    await world.writeNumbers('o', 96, ...eight(1), ...eight(1));
    expect(await world.status('s')).toBe('24/512 16');
    expect(await world.readNumbers('s', 96, 4)).toEqual([97, 98, 99, 100]);
  });

  it('may be of a disk that cannot be written to', async () => {
    world.disk('base', { sectors: SECTORS, limits: { readOnly: true } }).data.fill(7);
    await world.create('s', `0 ${String(SECTORS)} snapshot chaos:base chaos:a P 8`);
    await world.writeNumbers('s', 9, 1);
    expect(await world.readNumbers('s', 8, 3)).toEqual([0x07070707, 1, 0x07070707]);
    const merge = `0 ${String(SECTORS)} snapshot-merge chaos:base chaos:a P 8`;
    await expect(world.engine.load('s', merge)).rejects.toMatchObject({ code: 'EROFS' });
  });

  it('may be read-only itself, and is kept all the same', async () => {
    await world.create('o', ORIGIN);
    await world.wait(world.engine.create('s', { table: table('P 8'), readOnly: true }));
    await world.writeNumbers('o', 3, 1000);
    const port = await world.engine.open('s', { mode: 'read' });
    expect(numbersIn(await world.wait(port.read(2, 3)))).toEqual([3, 4, 5]);
    port.close();
    expect(await world.status('s')).toBe('24/512 16');
  });

  it('refuses a row that begins within a chunk', async () => {
    const spare = '0 4 snapshot-origin chaos:b\n';
    await expect(world.create('s', `${spare}4 100 snapshot chaos:disk chaos:a P 8`)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('the row begins at 4, which no chunk of 8 sectors does'),
    });
    await world.create('s', `${spare}4 100 snapshot chaos:disk chaos:a P 4`).catch(() => undefined);
  });

  it('shows what is allocated: what it holds itself, and the holes of the origin', async () => {
    await world.create('s', `0 ${String(SECTORS)} snapshot ram:${String(SECTORS)}s chaos:a N 8`);
    expect(await world.engine.extents('s', 0, 8)).toEqual([{ sector: 0, count: 8, hole: true, zero: true }]);
    await world.writeNumbers('s', 9, 1);
    expect(await world.engine.extents('s', 4, 28)).toEqual([
      { sector: 4, count: 4, hole: true, zero: true },
      { sector: 8, count: 8, hole: false, zero: false },
      { sector: 16, count: 16, hole: true, zero: true },
    ]);
  });

  it('of one engine is nothing to another engine', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    const other = new World();
    other.disk('disk', { sectors: SECTORS });
    other.disk('a', { sectors: 512 });
    await other.create('o', ORIGIN);
    await other.create('s', table('N 16'));
    const port = await other.port('o');
    await other.wait(port.write(0, sectorsOf([7])));
    expect(await other.status('s')).toBe('16/512 0');
    expect(await world.status('s')).toBe('16/512 16');
    await other.close();
  });
});
