import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataExtent, type Extent, mergeExtents } from '../src/index.ts';
import { filterType, spanType, targetType } from './support/plugins.ts';
import { Rig } from './support/rig.ts';

function hole(sector: number, count: number): Extent {
  return { sector, count, hole: true, zero: true };
}

describe('mergeExtents', () => {
  it('joins neighbours of the same kind only', () => {
    expect(mergeExtents([dataExtent(0, 8), dataExtent(8, 8), hole(16, 8), hole(24, 8), hole(40, 8)])).toEqual(
      [dataExtent(0, 16), hole(16, 16), hole(40, 8)],
    );
    const zero = { sector: 8, count: 8, hole: false, zero: true };
    expect(mergeExtents([dataExtent(0, 8), zero])).toEqual([dataExtent(0, 8), zero]);
    expect(mergeExtents([])).toEqual([]);
  });
});

describe('extents of a device', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig(
      filterType('opaque', '200'),
      filterType('clear', '100', () => ({ extents: (below, sector, count) => below.extents(sector, count) })),
      filterType('broken', '300', () => ({
        pre: () => {
          throw new Error('a bug');
        },
        extents: async (_below, sector, count) => [hole(sector, count)],
      })),
      targetType('nothing', () => ({ extents: async (sector, count) => [hole(sector, count)] })),
      spanType('mapped', (port, { begin }) => ({
        extents: async (sector, count) =>
          (await port.extents(sector - begin, count)).map((one) => ({ ...one, sector: one.sector + begin })),
      })),
    );
    rig.disks.add('a', 64).extents = async (sector, count) => [hole(sector, count)];
    rig.disks.add('b', 64);
  });

  afterEach(() => rig.finish());

  it('are plain data where the driver knows nothing', async () => {
    expect(await rig.engine.extents('disk:b', 8, 8)).toEqual([dataExtent(8, 8)]);
  });

  it('come from the driver, through filters that leave allocation alone', async () => {
    await rig.engine.attachFilter('disk:a', 'clear');
    expect(await rig.engine.extents('disk:a', 8, 8)).toEqual([hole(8, 8)]);
  });

  it('are plain data above a filter that may change data, and still holes below it', async () => {
    await rig.engine.attachFilter('disk:a', 'opaque');
    await rig.engine.attachFilter('disk:a', 'clear');
    expect(await rig.engine.extents('disk:a', 8, 8)).toEqual([dataExtent(8, 8)]);
    const below = rig.device('a').open({ mode: 'read', claim: 'noexcl', holder: 'test', below: '200' });
    expect(await below.extents(8, 8)).toEqual([hole(8, 8)]);
    below.close();
  });

  it('are plain data where a filter broke its contract: it is not asked any more', async () => {
    await rig.engine.attachFilter('disk:a', 'broken');
    const port = await rig.engine.open('disk:a', { mode: 'read' });
    await expect(port.read(0, 8)).rejects.toThrow('EIO');
    expect(await port.extents(0, 8)).toEqual([dataExtent(0, 8)]);
    port.close();
  });

  it('of a table come row by row, cut to the range, joined where they touch', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0\n8 8 nothing\n16 16 mapped disk:a 0' });
    expect(await rig.engine.extents('m', 4, 24)).toEqual([dataExtent(4, 4), hole(8, 20)]);
    await rig.engine.remove('m');
  });
});
