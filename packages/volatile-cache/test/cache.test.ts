import { type Bio, BioFlag, BioOp, Random, type Extent, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { DISK, filled, Setup, type SetupOptions } from './setup.ts';

describe('a volatile cache', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(options: SetupOptions = {}): Promise<void> {
    setup = await Setup.start(options);
  }

  /** The bios of one kind that reach the disk below from now on. */
  function arriving(op: BioOp): string[] {
    const seen: string[] = [];
    setup.disk.hold((bio) => {
      if (bio.op === op) seen.push(`${String(bio.sector)}+${String(bio.count)}`);
      return false;
    });
    return seen;
  }

  it('acknowledges a write that the disk below never saw; a read sees it', async () => {
    await start();
    await setup.write(0, 4, 1);
    await setup.flush();
    expect(await setup.write(1, 2, 2)).toBe(Status.Ok);
    expect(setup.below(0, 4)).toEqual([1, 1, 1, 1]);
    expect(await setup.read(0, 6)).toEqual([1, 2, 2, 1, 0, 0]);
    expect([setup.cache.records, setup.cache.bytes]).toEqual([1, 4096]);
  });

  it('reads newest first, from several writes, zeroes, discards and the disk below', async () => {
    await start();
    await setup.write(0, 16, 1);
    await setup.flush();
    await setup.write(2, 6, 2);
    await setup.write(4, 2, 3);
    await setup.io(BioOp.WriteZeroes, 5, 5);
    await setup.io(BioOp.Discard, 12, 1);
    await setup.write(7, 1, 4);
    const reads = arriving(BioOp.Read);
    expect(await setup.read(0, 16)).toEqual([1, 1, 2, 2, 3, 0, 0, 4, 0, 0, 1, 1, 0, 1, 1, 1]);
    expect(reads).toEqual(['0+2', '10+2', '13+3']);
    expect(await setup.read(3, 6)).toEqual([2, 3, 0, 0, 4, 0]);
    expect(reads).toHaveLength(3);
  });

  it('a read whose uncached part fails below fails, and shows nothing', async () => {
    await start();
    await setup.write(0, 2, 1);
    setup.disk.fail(Status.NoData, { op: BioOp.Read });
    await expect(setup.read(0, 4)).rejects.toThrow('ended with 61');
    expect(await setup.read(0, 2)).toEqual([1, 1]);
  });

  it('a flush makes all that was acknowledged stable, each sector once, and empties the cache', async () => {
    await start();
    await setup.write(0, 8, 1);
    await setup.write(4, 8, 2);
    await setup.write(0, 1, 3);
    const writes = arriving(BioOp.Write);
    expect(await setup.flush()).toBe(Status.Ok);
    expect(writes).toEqual(['0+1', '1+3', '4+8']);
    expect(setup.stable(0, 13)).toEqual([3, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 0]);
    expect(setup.cache.records).toBe(0);
  });

  it('a flush of an empty cache reaches the disk below too', async () => {
    await start();
    const flushes = arriving(BioOp.Flush);
    await setup.flush();
    expect(flushes).toHaveLength(1);
  });

  it('a flush of many records waits for all, also where the disk below sends bursts at their end', async () => {
    await start({ sectors: 4096 });
    await setup.engine.attachFilter(DISK, 'low');
    for (let i = 0; i < 100; i++) await setup.write(8 * i, 1, 1 + i);
    await setup.cache.flush();
    const expected = Array.from({ length: 800 }, (_, at) => (at % 8 === 0 ? 1 + at / 8 : 0));
    expect(setup.stable(0, 800)).toEqual(expected);
  });

  it('a write that comes while a flush is on its way is not covered by it', async () => {
    await start();
    await setup.write(0, 2, 1);
    setup.disk.hold();
    const ended: number[] = [];
    setup.send(BioOp.Flush, 0, 0, null, 0, (status) => ended.push(status));
    await setup.write(1, 2, 2);
    setup.disk.release();
    expect(ended).toEqual([Status.Ok]);
    expect(setup.stable(0, 3)).toEqual([1, 1, 0]);
    expect(await setup.read(0, 3)).toEqual([1, 2, 2]);
    expect(setup.cache.records).toBe(1);
    await setup.flush();
    expect(setup.stable(0, 3)).toEqual([1, 2, 2]);
  });

  it.each([BioOp.Write, BioOp.Flush])(
    'a flush fails with what operation %i below fails with, and nothing is lost',
    async (op) => {
      await start();
      await setup.write(0, 2, 1);
      await setup.write(8, 2, 2);
      setup.disk.fail(Status.NoSpc, { op });
      expect(await setup.flush()).toBe(Status.NoSpc);
      await setup.write(1, 1, 3);
      expect(await setup.flush()).toBe(Status.NoSpc);
      expect(setup.cache.records).toBe(3);
      setup.disk.heal();
      expect(await setup.flush()).toBe(Status.Ok);
      expect(setup.stable(0, 10)).toEqual([1, 3, 0, 0, 0, 0, 0, 0, 2, 2]);
      expect(setup.logs).toEqual([
        expect.stringContaining('could not be written to the device below: ENOSPC'),
      ]);
    },
  );

  it('a FUA write is stable when it ends, others are not; what is older of its sectors is void', async () => {
    await start();
    await setup.write(0, 4, 1);
    expect(await setup.fua(1, 2, 2)).toBe(Status.Ok);
    expect(setup.stable(0, 4)).toEqual([0, 2, 2, 0]);
    expect(await setup.read(0, 4)).toEqual([1, 2, 2, 1]);
    await setup.flush();
    expect(setup.stable(0, 4)).toEqual([1, 2, 2, 1]);
  });

  it('a FUA write waits for a flush that writes the same sectors, so that it lands last', async () => {
    await start();
    await setup.write(0, 4, 1);
    setup.disk.hold();
    const ended: string[] = [];
    setup.send(BioOp.Flush, 0, 0, null, 0, () => ended.push('flush'));
    setup.send(BioOp.Write, 0, 4, new Uint8Array(2048), BioFlag.Fua, () => ended.push('fua'));
    expect(setup.disk.held).toHaveLength(1);
    setup.disk.release();
    expect(ended).toEqual(['flush', 'fua']);
    expect(setup.stable(0, 4)).toEqual([0, 0, 0, 0]);
  });

  it('a write that comes after a FUA write that waits is newer', async () => {
    await start();
    await setup.write(0, 4, 1);
    setup.disk.hold();
    const ended: number[] = [];
    setup.send(BioOp.Flush, 0, 0, null, 0, (status) => ended.push(status));
    await setup.write(0, 1, 9);
    setup.send(BioOp.Write, 0, 4, filled(0, 4, 2), BioFlag.Fua, (status) => ended.push(status));
    await setup.write(1, 2, 3);
    setup.disk.release();
    expect(ended).toEqual([Status.Ok, Status.Ok]);
    expect(setup.stable(0, 4)).toEqual([2, 2, 2, 2]);
    expect(await setup.read(0, 4)).toEqual([2, 3, 3, 2]);
    await setup.flush();
    expect(setup.stable(0, 4)).toEqual([2, 3, 3, 2]);
  });

  it('a FUA write that fails leaves what is cached', async () => {
    await start();
    await setup.write(0, 4, 1);
    setup.disk.fail(Status.NoSpc, { op: BioOp.Write, times: 1 });
    expect(await setup.fua(0, 4, 2)).toBe(Status.NoSpc);
    expect(await setup.read(0, 4)).toEqual([1, 1, 1, 1]);
    await setup.flush();
    expect(setup.stable(0, 4)).toEqual([1, 1, 1, 1]);
  });

  it('a write that is not to be cached goes past, over what is cached of its sectors', async () => {
    await start();
    await setup.write(0, 4, 1);
    setup.isCached = () => false;
    await setup.write(2, 4, 2);
    await setup.write(20, 1, 2);
    await setup.io(BioOp.WriteZeroes, 0, 1);
    expect(setup.below(0, 6)).toEqual([0, 0, 2, 2, 2, 2]);
    expect(await setup.read(0, 6)).toEqual([0, 1, 2, 2, 2, 2]);
    setup.isCached = () => true;
    await setup.write(3, 1, 3);
    await setup.flush();
    expect(setup.stable(0, 6)).toEqual([0, 1, 2, 3, 2, 2]);
    expect(setup.stable(20, 1)).toEqual([2]);
  });

  it('when it is full the oldest records go below first, without a flush', async () => {
    await start({ capacity: 5 * 4096 });
    for (let i = 0; i < 5; i++) await setup.write(8 * i, 8, 1 + i);
    const [writes, flushes] = [arriving(BioOp.Write), setup.disk.arrived[BioOp.Flush]];
    expect(await setup.write(40, 8, 6)).toBe(Status.Ok);
    expect(writes).toEqual(['0+8', '8+8']);
    expect(setup.disk.arrived[BioOp.Flush]).toBe(flushes);
    expect([setup.cache.records, setup.cache.bytes]).toEqual([4, 4 * 4096]);
    expect((await setup.read(0, 48)).filter((_, at) => at % 8 === 0)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('when it is full and nothing can go below, the write fails, and what is there stays', async () => {
    await start({ capacity: 8192 });
    await setup.write(0, 8, 1);
    await setup.write(8, 8, 2);
    setup.disk.fail(Status.NoSpc, { op: BioOp.Write });
    expect(await setup.write(16, 8, 3)).toBe(Status.NoSpc);
    setup.disk.heal();
    expect(await setup.read(0, 17)).toEqual([...Array<number>(8).fill(1), ...Array<number>(8).fill(2), 0]);
    expect(await setup.write(16, 8, 3)).toBe(Status.Ok);
  });

  it('writes that wait for room go in in their order', async () => {
    await start({ capacity: 8192 });
    await setup.write(0, 8, 1);
    await setup.write(8, 8, 2);
    setup.disk.hold();
    const ended: number[] = [];
    for (const value of [3, 4, 5]) {
      const buffer = new Uint8Array(4096);
      setup.send(BioOp.Write, 16, 8, buffer, 0, (status) => {
        expect(status).toBe(Status.Ok);
        ended.push(value);
      });
    }
    expect(ended).toEqual([]);
    setup.disk.release();
    expect(ended).toEqual([3, 4, 5]);
  });

  it('a write larger than the cache goes past it', async () => {
    await start({ capacity: 8192 });
    await setup.write(0, 8, 1);
    await setup.write(4, 24, 2);
    expect(setup.below(0, 8)).toEqual([0, 0, 0, 0, 2, 2, 2, 2]);
    expect(await setup.read(0, 8)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('ranges without data take little, and FUA writes in them too', async () => {
    await start();
    await setup.io(BioOp.Discard, 0, 64);
    await setup.io(BioOp.WriteZeroes, 0, 64);
    expect(setup.cache.bytes).toBe(1024);
    for (let at = 0; at < 8; at++) await setup.fua(2 * at, 1, 1 + at);
    expect(setup.cache.bytes).toBe(1024 + 8 * 512);
    await setup.flush();
    expect(setup.stable(0, 5)).toEqual([1, 0, 2, 0, 3]);
    expect(setup.cache.bytes).toBe(0);
  });

  it('has flushes over a disk that has none, and can lose its power', async () => {
    await start({ limits: { ops: 0b11011 } });
    expect(await setup.flush()).toBe(Status.Ok);
    await setup.write(0, 2, 1);
    expect(setup.below(0, 2)).toEqual([0, 0]);
    expect(await setup.flush()).toBe(Status.Ok);
    expect(setup.below(0, 2)).toEqual([1, 1]);
    await setup.write(0, 2, 2);
    const all = { random: new Random(1), keep: 1, torn: 0, unit: 512, order: 'any' } as const;
    expect(await setup.settle(setup.cache.cut(all))).toEqual({ kept: 1, torn: 0, lost: 0 });
    expect(setup.below(0, 2)).toEqual([2, 2]);
  });

  it('refuses at once what the disk below refuses', async () => {
    await start({ limits: { ops: 0b00111 } });
    expect(await setup.io(BioOp.Discard, 0, 8)).toBe(Status.NotSup);
    expect(await setup.io(BioOp.WriteZeroes, 0, 8)).toBe(Status.NotSup);
    expect(setup.cache.records).toBe(0);
  });

  it('keeps to the blocks of the disk below', async () => {
    await start({ limits: { logicalBlock: 2048 } });
    await setup.write(0, 16, 1);
    await setup.write(4, 4, 2);
    expect(await setup.read(0, 20)).toEqual([
      1,
      1,
      1,
      1,
      2,
      2,
      2,
      2,
      ...Array<number>(8).fill(1),
      0,
      0,
      0,
      0,
    ]);
    expect(await setup.flush()).toBe(Status.Ok);
    expect(setup.stable(0, 9)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 1]);
  });

  it('forwards bios that the filter held as it would have taken them at once', async () => {
    await start();
    await setup.write(8, 1, 1);
    const held: Bio[] = [];
    setup.held = held;
    const ended: string[] = [];
    const send = (name: string, op: BioOp, sector: number, flags = 0): void => {
      setup.send(op, sector, op === BioOp.Flush ? 0 : 1, new Uint8Array(512), flags, (status) =>
        ended.push(`${name} ${String(status)}`),
      );
    };
    send('cached', BioOp.Write, 0);
    send('past', BioOp.Write, 4);
    send('fua', BioOp.Write, 8, BioFlag.Fua);
    send('read cached', BioOp.Read, 0);
    send('read below', BioOp.Read, 20);
    send('flush', BioOp.Flush, 0);
    setup.held = null;
    expect(ended).toEqual([]);
    for (const [index, bio] of held.entries()) setup.cache.forward(bio, index !== 1);
    expect(ended).toEqual(['cached 0', 'past 0', 'fua 0', 'read cached 0', 'read below 0', 'flush 0']);
    expect(setup.stable(8, 1)).toEqual([0]);
  });

  it('extents: cached data is data, cached zeroes are zeroes, discards are holes, the rest is as below', async () => {
    await start();
    await setup.write(4, 4, 1);
    await setup.write(8, 4, 2);
    await setup.io(BioOp.Discard, 10, 4);
    await setup.io(BioOp.WriteZeroes, 14, 2);
    await setup.io(BioOp.WriteZeroes, 20, 2, 0, BioFlag.NoUnmap);
    const asked: Extent[] = [];
    const below = {
      extents: (sector: number, count: number): Promise<Extent[]> => {
        asked.push({ sector, count, hole: true, zero: false });
        return Promise.resolve([{ sector, count, hole: true, zero: false }]);
      },
    };
    const extents = await setup.cache.extents(below, 2, 30);
    expect(extents.map(({ sector, count, hole, zero }) => [sector, count, hole, zero])).toEqual([
      [2, 2, true, false],
      [4, 6, false, false],
      [10, 6, true, true],
      [16, 4, true, false],
      [20, 2, false, true],
      [22, 10, true, false],
    ]);
    expect(asked).toHaveLength(3);
  });

  it('many records in any order of their sectors', async () => {
    await start({ sectors: 4096 });
    const expected = Array<number>(4096).fill(0);
    for (let i = 1; i <= 1500; i++) {
      const sector = (i * 1597) % 4000;
      const count = 1 + ((i * 31) % 96);
      await setup.write(sector, count, i);
      expected.fill(i, sector, sector + count);
    }
    expect(await setup.read(0, 4096)).toEqual(expected);
    await setup.flush();
    expect(setup.stable(0, 4096)).toEqual(expected);
  });
});
