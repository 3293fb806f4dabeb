import type { ChaosDisk } from '@interposer/conformance';
import { type Bio, BioOp } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ORIGIN, OriginWorld, SECTORS, table } from './origin-world.ts';
import { numbersIn, turns } from './world.ts';

let world: OriginWorld;
let disk: ChaosDisk;
let store: ChaosDisk;

beforeEach(() => {
  world = new OriginWorld();
  ({ origin: disk, store } = world);
});

afterEach(() => world.finish());

const onDisk = (sector: number): number =>
  numbersIn(disk.data.subarray(sector * 512, (sector + 1) * 512))[0]!;

describe('an origin device that is lost', () => {
  it('leaves no write behind that a later snapshot would wait for', async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    store.hold();
    const writing = await world.startWrite('o', 0, 1000);
    await turns();
    const failure = expect(writing.end()).rejects.toMatchObject({ code: 'ENODEV' });
    await world.wait(world.engine.yank('o'));
    await failure;
    store.release();
    await turns();
    expect(onDisk(0)).toBe(1);
    await world.create('t', table('P 8', 'snapshot', 'b'));
    expect(await world.readNumbers('t', 0, 1)).toEqual([1]);
  });
});

describe('a read of a snapshot', () => {
  it('that the origin overtakes when the snapshot becomes invalid is no success', async () => {
    await world.create('c', '0 24 snapshot-origin chaos:a');
    await world.create('o', ORIGIN);
    await world.create('s', `0 ${String(SECTORS)} snapshot chaos:disk c P 8`);
    disk.hold(({ op, count }) => op === BioOp.Read && count === 1);
    const reading = await world.startRead('s', 0, 1);
    await turns();
    await world.writeNumbers('o', 8, 1000);
    // There is no room for this one.
    await world.writeNumbers('o', 0, 1001);
    expect(await world.status('s')).toBe('Invalid');
    disk.release();
    await expect(reading.end()).rejects.toMatchObject({ code: 'EIO' });
    for (const name of ['s', 'c']) await world.remove(name);
  });
});

describe('a merge that takes over while chunks are copied out', () => {
  const isData = ({ op, sector, count }: Bio): boolean => op === BioOp.Write && count === 8 && sector > 15;

  beforeEach(async () => {
    await world.create('o', ORIGIN);
    await world.create('s', table('P 8'));
    await world.writeNumbers('s', 40, 600);
  });

  it('waits for them, and loses no entry of the store', async () => {
    store.hold(isData);
    const writing = await world.startWrite('o', 0, 1000);
    await turns();
    await world.reload('s', table('P 8', 'snapshot-merge'));
    await turns();
    expect(onDisk(40)).toBe(41);
    store.release();
    await writing.end();
    await world.merged('s');
    expect([0, 40].map(onDisk)).toEqual([1, 600]);
    expect(await world.engine.progress('s')).toMatchObject([{ done: 16, total: 16 }]);
  });

  it('keeps a write to such a chunk', async () => {
    store.hold(isData);
    const older = await world.startWrite('o', 0, 1000);
    await turns();
    await world.reload('s', table('P 8', 'snapshot-merge'));
    const newer = await world.startWrite('s', 1, 700);
    await turns();
    store.release();
    await older.end();
    await newer.end();
    await world.merged('s');
    expect(await world.readNumbers('s', 0, 3)).toEqual([1, 700, 3]);
    expect([0, 1, 2].map(onDisk)).toEqual([1, 700, 3]);
  });
});
