import { BioFlag, BioOp, Random, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CutOptions, CutReport } from '../src/index.ts';
import { Setup } from './setup.ts';

const ALL: Omit<CutOptions, 'random'> = { keep: 1, torn: 0, unit: 512, order: 'any' };

describe('a power cut', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = await Setup.start();
  });

  afterEach(() => setup.stop());

  function cut(options: Partial<CutOptions> = {}, seed = 1): Promise<CutReport> {
    return setup.settle(setup.cache.cut({ ...ALL, random: new Random(seed), ...options }));
  }

  /** What some seeds leave of a few writes. */
  async function outcomes(options: Partial<CutOptions>, write: () => Promise<unknown>): Promise<Set<string>> {
    const found = new Set<string>();
    for (let seed = 1; seed <= 120; seed++) {
      await setup.io(BioOp.Discard, 0, 64);
      await setup.flush();
      await write();
      await cut(options, seed);
      found.add(setup.stable(0, 4).join(''));
      setup.cache.on();
    }
    return found;
  }

  async function writeThree(): Promise<void> {
    await setup.write(0, 1, 1);
    await setup.write(1, 1, 2);
    await setup.write(2, 1, 3);
  }

  it('order any: every set of three writes can survive', async () => {
    const found = await outcomes({ keep: 0.5 }, writeThree);
    expect([...found].sort()).toEqual(['0000', '0030', '0200', '0230', '1000', '1030', '1200', '1230']);
  });

  it('order prefix: only the first ones can', async () => {
    const found = await outcomes({ keep: 0.5, order: 'prefix' }, writeThree);
    expect([...found].sort()).toEqual(['0000', '1000', '1200', '1230']);
  });

  it('an older write survives where a newer one is lost, and never covers a newer one that survives', async () => {
    const found = await outcomes({ keep: 0.5 }, async () => {
      await setup.write(0, 3, 1);
      await setup.write(1, 3, 2);
    });
    expect([...found].sort()).toEqual(['0000', '0222', '1110', '1222']);
  });

  it('nothing older comes up over a FUA write, whatever its own fate', async () => {
    const found = await outcomes({ keep: 0.5 }, async () => {
      await setup.write(0, 4, 1);
      await setup.fua(1, 1, 2);
      await setup.write(2, 1, 3);
    });
    expect([...found].sort()).toEqual(['0200', '0230', '1211', '1231']);
  });

  it('discards and zeroes are lost and kept as writes are', async () => {
    const found = await outcomes({ keep: 0.5 }, async () => {
      await setup.write(0, 4, 7);
      await setup.flush();
      await setup.io(BioOp.Discard, 0, 2);
      await setup.io(BioOp.WriteZeroes, 2, 1);
    });
    expect([...found].sort()).toEqual(['0007', '0077', '7707', '7777']);
  });

  it.each([
    ['keep 0: nothing', { keep: 0, torn: 1 }, { kept: 0, torn: 0, lost: 3 }, '0000'],
    ['keep 1: everything', { keep: 1 }, { kept: 3, torn: 0, lost: 0 }, '1230'],
    ['keep 0 in order: nothing', { keep: 0, order: 'prefix' }, { kept: 0, torn: 0, lost: 3 }, '0000'],
    ['keep 1 in order: everything', { keep: 1, order: 'prefix' }, { kept: 3, torn: 0, lost: 0 }, '1230'],
  ] as const)('%s', async (_, options, report, values) => {
    await writeThree();
    expect(await cut(options)).toEqual(report);
    expect(setup.stable(0, 4).join('')).toBe(values);
  });

  it('keep and torn are shares', async () => {
    for (let i = 0; i < 1000; i++) await setup.write(i % 63, 2, 1 + i);
    const { kept, torn, lost } = await cut({ keep: 0.7, torn: 0.2 });
    expect(kept + torn + lost).toBe(1000);
    expect(lost / 1000).toBeCloseTo(0.3, 1);
    expect(torn / (kept + torn)).toBeCloseTo(0.2, 1);
  });

  it.each([0.2, 0.5, 0.9])('in order the share that survives is %d on average', async (keep) => {
    let kept = 0;
    for (let seed = 0; seed < 150; seed++) {
      for (let i = 0; i < 20; i++) await setup.write(i, 1, 1 + i);
      kept += (await cut({ keep, order: 'prefix' }, seed)).kept;
      setup.cache.on();
    }
    expect(kept / 150 / 20).toBeCloseTo(keep, 1);
  });

  it('a torn write keeps whole units of the disk: its beginning, its end, or any of them', async () => {
    const shapes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      await setup.write(0, 64, 1);
      await setup.flush();
      await setup.write(3, 30, 2);
      expect(await cut({ torn: 1, unit: 2048 }, seed)).toEqual({ kept: 0, torn: 1, lost: 0 });
      const values = setup.stable(0, 64);
      // Sectors 3 to 32 in units of four sectors that begin at 0: 3, 4-7, ..., 28-31, 32.
      const units = [values.slice(3, 4)];
      for (let at = 4; at < 33; at += 4) units.push(values.slice(at, Math.min(at + 4, 33)));
      for (const unit of units) expect(new Set(unit).size).toBe(1);
      expect(values.filter((_, at) => at < 3 || at > 32).every((value) => value === 1)).toBe(true);
      const kept = units.map(([value]) => (value === 2 ? 'x' : '.')).join('');
      expect(kept).toMatch(/x/);
      expect(kept).toMatch(/\./);
      shapes.add(/^x+\.+$/.test(kept) ? 'beginning' : /^\.+x+$/.test(kept) ? 'end' : 'any');
      setup.cache.on();
    }
    expect([...shapes].sort()).toEqual(['any', 'beginning', 'end']);
  });

  it('a write of one unit is never torn', async () => {
    await setup.write(0, 8, 1);
    await setup.write(8, 4, 2);
    expect(await cut({ torn: 1, unit: 4096 })).toEqual({ kept: 2, torn: 0, lost: 0 });
  });

  it('the same history and the same seed leave the same bytes', async () => {
    const runs: Uint8Array[] = [];
    for (const seed of [5, 5, 6]) {
      await setup.io(BioOp.Discard, 0, 64);
      await setup.flush();
      for (let i = 0; i < 100; i++) await setup.write((i * 37) % 55, 1 + (i % 9), 1 + i);
      await cut({ keep: 0.5, torn: 0.5 }, seed);
      runs.push(setup.disk.data.slice());
      setup.cache.on();
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });

  it('without power everything fails, and reads show nothing', async () => {
    await setup.write(0, 4, 1);
    await cut();
    for (const op of [BioOp.Write, BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes])
      expect(await setup.io(op, 0, op === BioOp.Flush ? 0 : 1, 2)).toBe(Status.Io);
    await expect(setup.read(0, 4)).rejects.toThrow('ended with 5');
    await expect(setup.cache.flush()).rejects.toMatchObject({ code: 'EIO' });
    expect([setup.cache.power, setup.cache.records, setup.cache.bytes]).toEqual(['off', 0, 0]);
    setup.cache.on();
    expect(await setup.read(0, 4)).toEqual([1, 1, 1, 1]);
    expect(await setup.write(0, 1, 9)).toBe(Status.Ok);
  });

  it('refuses to cut twice and to come back twice', async () => {
    expect(() => {
      setup.cache.on();
    }).toThrow(expect.objectContaining({ code: 'EALREADY' }) as Error);
    const cutting = cut();
    expect(setup.cache.power).toBe('cutting');
    expect(() => {
      setup.cache.on();
    }).toThrow(expect.objectContaining({ code: 'EBUSY' }) as Error);
    await expect(cut()).rejects.toMatchObject({ code: 'EALREADY' });
    await cutting;
    await expect(cut()).rejects.toMatchObject({ code: 'EALREADY' });
    setup.cache.on();
  });

  it('tells if the survivors cannot be written; then the power is off all the same', async () => {
    await writeThree();
    setup.disk.fail(Status.NoSpc, { op: BioOp.Write });
    await expect(cut()).rejects.toMatchObject({ code: 'ENOSPC' });
    setup.disk.heal();
    expect([setup.cache.power, setup.cache.records]).toEqual(['off', 0]);
    setup.cache.on();
    expect(await setup.read(0, 3)).toEqual([0, 0, 0]);
  });

  it('tells if the survivors cannot be flushed', async () => {
    await writeThree();
    setup.disk.fail(Status.Io, { op: BioOp.Flush });
    await expect(cut()).rejects.toMatchObject({ code: 'EIO' });
  });

  it('keeps what was not to be unmapped allocated', async () => {
    const flags: number[] = [];
    setup.disk.hold((bio) => {
      if (bio.op === BioOp.WriteZeroes) flags.push(bio.flags);
      return false;
    });
    await setup.io(BioOp.WriteZeroes, 0, 1, 0, BioFlag.NoUnmap);
    await setup.io(BioOp.WriteZeroes, 8, 1);
    await cut();
    expect(flags).toEqual([BioFlag.NoUnmap, 0]);
  });

  it('of a discard of very many units the beginning or the end is kept', async () => {
    const large = await Setup.start({ sectors: 2 ** 17 });
    await large.io(BioOp.Discard, 0, 2 ** 17);
    const arrived: string[] = [];
    large.disk.hold((bio) => {
      if (bio.op === BioOp.Discard) arrived.push(bio.toString());
      return false;
    });
    await large.settle(large.cache.cut({ ...ALL, torn: 1, random: new Random(3) }));
    expect(arrived).toHaveLength(1);
    await large.stop();
  });
});

describe('what is under way when the power fails', () => {
  let setup: Setup;
  let ended: string[];

  beforeEach(async () => {
    setup = await Setup.start({ capacity: 8192 });
    ended = [];
  });

  afterEach(() => setup.stop());

  function start(name: string, op: BioOp, sector: number, count: number, flags = 0): void {
    const buffer = op === BioOp.Flush ? null : new Uint8Array(count * 512).fill(7);
    setup.send(op, sector, count, buffer, flags, (status) => ended.push(`${name} ${String(status)}`));
  }

  it('fails: held in the cache at once, on the disk below when it comes back; then the survivors go down', async () => {
    await setup.write(0, 8, 1);
    await setup.write(8, 8, 2);
    setup.disk.hold();
    start('read below', BioOp.Read, 32, 1);
    start('read half below', BioOp.Read, 14, 4);
    start('flush', BioOp.Flush, 0, 0);
    start('waiting write', BioOp.Write, 40, 1);
    start('waiting fua', BioOp.Write, 0, 1, BioFlag.Fua);
    start('fua below', BioOp.Write, 50, 1, BioFlag.Fua);
    expect(ended).toEqual([]);
    const cutting = setup.cache.cut({ ...ALL, random: new Random(1) });
    expect(ended).toEqual(['waiting write 5', 'flush 5', 'waiting fua 5']);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(setup.disk.held.every((bio) => bio.op !== BioOp.Flush)).toBe(true);
    setup.disk.release('newest');
    expect(await setup.settle(cutting)).toEqual({ kept: 2, torn: 0, lost: 0 });
    expect(ended.slice(3).sort()).toEqual(['fua below 5', 'read below 5', 'read half below 5']);
    setup.cache.on();
    expect(await setup.read(0, 16)).toEqual([
      ...new Array<number>(8).fill(1),
      ...new Array<number>(8).fill(2),
    ]);
  });

  it('what a flush had written already cannot be lost any more', async () => {
    await setup.write(0, 8, 1);
    await setup.write(8, 8, 2);
    setup.disk.hold();
    start('flush', BioOp.Flush, 0, 0);
    setup.disk.releaseOne();
    const cutting = setup.cache.cut({ ...ALL, keep: 0, random: new Random(1) });
    setup.disk.fail(Status.Io, { op: BioOp.Write, times: 1 });
    setup.disk.release();
    expect(await setup.settle(cutting)).toEqual({ kept: 1, torn: 0, lost: 1 });
    expect(setup.stable(0, 16)).toEqual([...new Array<number>(8).fill(1), ...new Array<number>(8).fill(0)]);
    setup.cache.on();
  });
});
