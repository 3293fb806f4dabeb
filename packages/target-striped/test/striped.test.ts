import { BioOp, createEngine, defineTarget, type Engine, MapResult, Status } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StampedDisk, stampedDriver } from '../../conformance/test/kernel/disk.ts';
import { kernelIo, kernelLimits, kernelRefusals } from '../../conformance/test/kernel/suite.ts';
import { striped } from '../src/index.ts';

kernelIo([striped], (name) => name.startsWith('striped-') && !name.startsWith('striped-error'));
kernelRefusals([striped], 'striped-arguments');
kernelRefusals([striped], 'alignment-4096');
kernelLimits([striped]);

/** A row that wants its flush mapped, so that the flushes of all rows are. */
const taker = defineTarget({
  name: 'taker',
  version: [1, 0, 0],
  ops: striped.ops,
  params: [],
  create: () => ({
    map: (bio) => {
      bio.complete(Status.Ok);
      return MapResult.Submitted;
    },
    areas: () => [],
    table: () => '',
  }),
});

describe('striped over disks that fail', () => {
  let engine: Engine;
  let a: StampedDisk;
  let b: StampedDisk;

  const health = async (): Promise<string | undefined> =>
    (await engine.status('x'))[0]?.params.split(' ').at(-1);
  const events = async (): Promise<number> => (await engine.info('x')).eventNr;

  beforeEach(() => {
    a = new StampedDisk('a', { devno: '7:0', sectors: 64, stamp: 'A' }, {});
    b = new StampedDisk('b', { devno: '7:1', sectors: 64, stamp: 'B' }, {});
    const disks = new Map([
      ['a', a],
      ['b', b],
    ]);
    engine = createEngine({ types: [striped, taker, stampedDriver(disks)] });
  });

  afterEach(() => engine.close());

  it('marks the stripe, passes the error on, and raises an event for each of the first 14', async () => {
    await engine.create('x', { table: '0 128 striped 2 16 a 0 b 0' });
    expect(await health()).toBe('AA');
    b.failure = Status.NoSpc;
    await engine.read('x', 0, 16);
    expect([await health(), await events()]).toEqual(['AA', 0]);
    await expect(engine.write('x', 16, new Uint8Array(512))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([await health(), await events()]).toEqual(['AD', 1]);
    for (let i = 0; i < 30; i++)
      await expect(engine.read('x', 16, 1)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([await health(), await events()]).toEqual(['AD', 14]);
    a.failure = Status.Io;
    await expect(engine.read('x', 0, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect([await health(), await events()]).toEqual(['DD', 15]);
  });

  it('forgets with a new table', async () => {
    await engine.create('x', { table: '0 128 striped 2 16 a 0 b 0' });
    a.failure = Status.Io;
    await expect(engine.read('x', 0, 128)).rejects.toMatchObject({ code: 'EIO' });
    expect(await health()).toBe('DA');
    await engine.load('x', '0 128 striped 2 16 a 0 b 0');
    await engine.resume('x');
    expect(await health()).toBe('AA');
  });

  it('does not count what a disk does not support', async () => {
    await engine.create('x', { table: '0 128 striped 2 16 a 0 b 0' });
    a.failure = Status.NotSup;
    await expect(engine.discard('x', 0, 128)).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect([await health(), await events()]).toEqual(['AA', 0]);
  });

  it('marks every stripe that is on the disk, with one event', async () => {
    await engine.create('x', { table: '0 96 striped 3 16 a 0 b 0 a 32' });
    a.failure = Status.Io;
    await expect(engine.read('x', 0, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect([await health(), await events()]).toEqual(['DAD', 1]);
  });

  it('does the share of the good disk also where another fails', async () => {
    await engine.create('x', { table: '0 128 striped 2 16 a 0 b 0' });
    b.failure = Status.Io;
    await expect(engine.discard('x', 8, 16)).rejects.toMatchObject({ code: 'EIO' });
    expect(a.changes()).toEqual([[8, 8, 'zero']]);
  });

  it('flushes each stripe, also twice the same disk, where another row has its flush mapped', async () => {
    await engine.create('x', { table: '0 96 striped 3 16 a 0 b 0 a 32\n96 8 taker' });
    await engine.flush('x');
    expect([a.requests[BioOp.Flush], b.requests[BioOp.Flush]]).toEqual([2, 1]);
    b.failure = Status.Io;
    await expect(engine.flush('x')).rejects.toMatchObject({ code: 'EIO' });
    expect(await health()).toBe('ADA');
  });

  it('sends nothing to a stripe that has no share', async () => {
    await engine.create('x', { table: '0 128 striped 2 16 a 0 b 0' });
    await engine.zero('x', 32, 16);
    expect([a.requests[BioOp.WriteZeroes], b.requests[BioOp.WriteZeroes]]).toEqual([1, 0]);
  });
});

describe('striped in the second row', () => {
  it('finds its sectors and its extents', async () => {
    const engine = createEngine({ types: [striped, taker, ram] });
    await engine.create('a', { table: '0 1024 striped 1 1024 ram:1024s 0' });
    await engine.create('b', { table: '0 1024 striped 1 1024 ram:1024s 0' });
    await engine.create('x', { table: '0 5 taker\n5 1024 striped 2 256 a 0 b 512' });
    await engine.write('x', 5 + 256 + 3, new Uint8Array(512).fill(1));
    expect((await engine.read('b', 515, 1))[0]).toBe(1);
    expect(await engine.extents('x', 5, 1024)).toEqual([
      { sector: 5, count: 256, hole: true, zero: true },
      { sector: 261, count: 128, hole: false, zero: false },
      { sector: 389, count: 640, hole: true, zero: true },
    ]);
    await engine.close();
  });
});
