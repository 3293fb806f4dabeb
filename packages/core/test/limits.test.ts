import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_OPS, BioOp, hasOp, type Limits, makeLimits, opSet, stackLimits } from '../src/index.ts';
import { filterType, spanType, targetType } from './support/plugins.ts';
import { Rig } from './support/rig.ts';

describe('stackLimits', () => {
  it('takes the coarser of each, and the size of the upper', () => {
    const top = makeLimits(100, { physicalBlock: 4096, ioMin: 1024, ioOpt: 6144 });
    const bottom = makeLimits(50, { logicalBlock: 4096, ioOpt: 4096, volatileCache: true, rotational: true });
    expect(stackLimits(top, bottom)).toMatchObject({
      sectors: 100,
      logicalBlock: 4096,
      physicalBlock: 4096,
      ioMin: 1024,
      ioOpt: 12288,
      volatileCache: true,
      rotational: true,
    });
  });

  it('zeroes fast only where both do', () => {
    const [fast, slow] = [makeLimits(1), makeLimits(1, { fastZeroes: false })];
    const both = [stackLimits(fast, fast), stackLimits(fast, slow), stackLimits(slow, fast)];
    expect(both.map(({ fastZeroes }) => fastZeroes)).toEqual([true, false, false]);
  });

  it.each([
    [0, 0, 0],
    [0, 4096, 4096],
    [4096, 0, 4096],
    [4096, 65536, 65536],
    [196608, 131072, 393216],
  ])('optimal I/O of %i over %i is %i', (top, bottom, both) => {
    expect(stackLimits(makeLimits(1, { ioOpt: top }), makeLimits(1, { ioOpt: bottom })).ioOpt).toBe(both);
  });
});

describe('limits of devices', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig(
      filterType('large', '100', () => ({ limits: (below) => ({ ...below, ioMin: 8192 }) })),
      filterType('small', '100', () => ({ limits: (below) => ({ ...below, sectors: below.sectors - 8 }) })),
      filterType('coarse', '200', () => ({ limits: (below) => ({ ...below, logicalBlock: 4096 }) })),
      filterType('few', '300', undefined, { ops: opSet(BioOp.Read), passes: opSet(BioOp.Flush) }),
      targetType('nodiscard', () => ({ discardCopies: 0 })),
      spanType('hints', () => ({ limits: (stacked) => ({ ...stacked, ioOpt: 8192 }) })),
    );
    rig.disks.add('a', 1024, { physicalBlock: 4096, volatileCache: true });
    rig.disks.add('b', 1024, { ops: ALL_OPS & ~opSet(BioOp.Discard), rotational: true });
  });

  afterEach(() => rig.finish());

  it('are narrowed by each filter from the driver up, and told to whoever has the device open', async () => {
    const told: Limits[] = [];
    const port = await rig.open('disk:a');
    port.onLimits = (limits) => told.push(limits);
    await rig.engine.attachFilter('disk:a', 'coarse');
    await rig.engine.attachFilter('disk:a', 'large');
    expect(told.at(-1)).toMatchObject({ ioMin: 8192, logicalBlock: 4096 });
    await rig.engine.detachFilter('disk:a', 'coarse');
    await rig.engine.detachFilter('disk:a', 'large');
    expect(told.at(-1)).toEqual(makeLimits(1024, { physicalBlock: 4096, volatileCache: true }));
    expect(told).toHaveLength(4);
  });

  it('are not told again to those for whom nothing changed', async () => {
    const told: Limits[] = [];
    await rig.engine.attachFilter('disk:a', 'coarse');
    const port = await rig.open('disk:a');
    port.onLimits = (limits) => told.push(limits);
    await rig.engine.attachFilter('disk:a', 'coarse@201');
    expect(told).toEqual([]);
  });

  it('may not hide a part of the device', async () => {
    await expect(rig.engine.attachFilter('disk:a', 'small')).rejects.toMatchObject({
      code: 'EINVAL',
      message:
        'filter small@100 would leave 1016 of the 1024 sectors of a: what covers a device must be at least as large',
    });
    expect(await rig.engine.filters()).toEqual([]);
  });

  it('offer only operations that every filter sees or lets by', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.attachFilter('disk:a', 'few');
    expect(port.device.limits.ops).toBe(opSet(BioOp.Read, BioOp.Flush));
    await rig.engine.detachFilter('disk:a', 'few');
  });

  it('of a table stack those of all it uses, and hints last', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0\n8 8 hints disk:b 0' });
    expect(rig.device('m').limits).toMatchObject({
      sectors: 16,
      physicalBlock: 4096,
      ioOpt: 8192,
      volatileCache: true,
      rotational: true,
      discardGranularity: 0,
    });
  });

  it('offer discards only where every row and device takes them', async () => {
    await rig.engine.create('both', { table: '0 8 span disk:a 0' });
    await rig.engine.create('device', { table: '0 8 span disk:a 8\n8 8 span disk:b 0' });
    await rig.engine.create('target', { table: '0 8 span disk:a 16\n8 8 nodiscard' });
    const discards = ['both', 'device', 'target'].map((name) => {
      const { ops, discardGranularity } = rig.device(name).limits;
      return [hasOp(ops, BioOp.Discard), discardGranularity];
    });
    expect(discards).toEqual([
      [true, 512],
      [false, 0],
      [false, 0],
    ]);
  });

  it('are stacked again all the way up after an edit below', async () => {
    await rig.engine.create('low', { table: '0 64 span disk:a 0' });
    await rig.engine.create('top', { table: '0 64 span low 0' });
    const port = await rig.open('top');
    const told: Limits[] = [];
    port.onLimits = (limits) => told.push(limits);
    await rig.engine.attachFilter('disk:a', 'coarse');
    expect(told.map(({ logicalBlock }) => logicalBlock)).toEqual([4096]);
    await rig.engine.detachFilter('disk:a', 'coarse');
    expect(told.map(({ logicalBlock }) => logicalBlock)).toEqual([4096, 512]);
  });

  it('of a loaded table that waits are kept up to date too', async () => {
    await rig.engine.create('m');
    await rig.engine.load('m', '0 64 span disk:a 0');
    await rig.engine.attachFilter('disk:a', 'coarse');
    await rig.engine.resume('m');
    expect(rig.device('m').limits.logicalBlock).toBe(4096);
  });
});
