import type { ChaosDisk } from '@interposer/conformance';
import { BioOp, dataExtent, type Extent } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ORIGIN, OriginWorld, SECTORS, table } from './origin-world.ts';
import { turns } from './world.ts';

let world: OriginWorld;
let disk: ChaosDisk;

beforeEach(() => {
  world = new OriginWorld();
  disk = world.origin;
});

afterEach(() => world.finish());

const hole = (sector: number, count: number): Extent => ({ sector, count, hole: true, zero: true });

/** Lets the origin say that it is one hole, and come with that answer when it is told to. */
function answerLater(): () => void {
  let tell = (): void => undefined;
  const told = new Promise<void>((resolve) => (tell = resolve));
  Object.assign(disk, {
    extents: (sector: number, count: number) => told.then(() => [hole(sector, count)]),
  });
  return tell;
}

describe('the extents', () => {
  it('of a merge tell of a chunk that was merged while the origin was asked', async () => {
    await world.create('s', table('P 8'));
    await world.writeNumbers('s', 8, 500);
    disk.hold(({ op, count }) => op === BioOp.Write && count === 8);
    await world.reload('s', table('P 8', 'snapshot-merge'));
    await turns();
    const tell = answerLater();
    const asking = world.engine.extents('s', 0, 32);
    await turns();
    disk.release();
    await world.merged('s');
    tell();
    expect(await asking).toEqual([hole(0, 8), dataExtent(8, 8), hole(16, 16)]);
  });

  it('of a snapshot call nothing a hole that older writes may still fill', async () => {
    await world.create('o', ORIGIN);
    disk.hold(({ op }) => op === BioOp.Write);
    const writing = await world.startWrite('o', 8, 500);
    await turns();
    await world.create('s', table('P 8'));
    answerLater()();
    expect(await world.engine.extents('s', 0, 32)).toEqual([dataExtent(0, 32)]);
    disk.release();
    await writing.end();
    expect(await world.engine.extents('s', 0, 32)).toEqual([hole(0, 32)]);
  });

  it('of a large disk with few exceptions are found at once', async () => {
    const size = 2 ** 34;
    await world.create('s', `0 ${String(size)} snapshot ram:${String(size)}s chaos:a P 8`);
    await world.writeNumbers('s', 2 ** 33 + 3, 500);
    await world.writeNumbers('s', 12, 500);
    expect(await world.engine.extents('s', 0, size)).toEqual([
      hole(0, 8),
      dataExtent(8, 8),
      hole(16, 2 ** 33 - 16),
      dataExtent(2 ** 33, 8),
      hole(2 ** 33 + 8, size - 2 ** 33 - 8),
    ]);
    await world.remove('s');
  });

  it('of a part of a chunk in the store are that part', async () => {
    await world.create('s', table('P 8'));
    for (const sector of [8, 24, 32]) await world.writeNumbers('s', sector, 500);
    answerLater()();
    expect(await world.engine.extents('s', 12, 26)).toEqual([
      dataExtent(12, 4),
      hole(16, 8),
      dataExtent(24, 14),
    ]);
    expect(await world.engine.extents('s', SECTORS - 4, 4)).toEqual([hole(SECTORS - 4, 4)]);
  });
});

describe('a discard of a large disk', () => {
  it('takes as long as there are exceptions', async () => {
    const size = String(2 ** 34);
    const words = 'P 8 2 discard_zeroes_cow discard_passdown_origin';
    await world.create('s', `0 ${size} snapshot ram:${size}s ram:1M ${words}`);
    await world.writeNumbers('s', 2 ** 33, 500, 501);
    const port = await world.port('s');
    await world.wait(port.discard(0, 2 ** 34));
    expect(await world.readNumbers('s', 2 ** 33, 2)).toEqual([0, 0]);
    await world.remove('s');
  });
});
