import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetadataContext, Port } from '../src/index.ts';
import { filterType } from './support/plugins.ts';
import { Rig } from './support/rig.ts';

function context(name: string, flags: number): MetadataContext {
  return { name, extents: async (sector, count) => [{ sector, count, flags }] };
}

describe('metadata contexts of a device', () => {
  let rig: Rig;
  let disk: Port;

  beforeEach(() => {
    rig = new Rig(
      filterType('mute', '300'),
      filterType('two', '200', () => ({ contexts: () => [context('x-test:a', 1), context('x-test:b', 2)] })),
      filterType('low', '100', () => ({ contexts: () => [context('x-test:low', 3)] })),
      filterType('broken', '400', () => ({
        contexts: () => {
          throw new Error('no contexts');
        },
      })),
      filterType('failing', '500', () => ({
        contexts: () => [{ name: 'x-test:c', extents: () => Promise.reject(new Error('no extents')) }],
      })),
    );
    rig.disks.add('a', 64);
  });

  afterEach(async () => {
    disk.close();
    await rig.finish();
  });

  /** Attaches filters and opens the device. */
  async function withFilters(types: readonly string[], below?: string): Promise<Port> {
    for (const type of types) await rig.engine.attachFilter('disk:a', type);
    const options = { mode: 'read', claim: 'noexcl', holder: 'test' } as const;
    return (disk = rig.device('a').open(below === undefined ? options : { ...options, below }));
  }

  it('are those of its filters, highest first, with their answers', async () => {
    const port = await withFilters(['low', 'mute', 'two']);
    const contexts = port.contexts();
    expect(contexts.map(({ name }) => name)).toEqual(['x-test:a', 'x-test:b', 'x-test:low']);
    expect(await contexts[2]!.extents(8, 16)).toEqual([{ sector: 8, count: 16, flags: 3 }]);
  });

  it('are those below the port only', async () => {
    const port = await withFilters(['low', 'two'], '200');
    expect(port.contexts().map(({ name }) => name)).toEqual(['x-test:low']);
  });

  it('follow the edits of the device', async () => {
    const port = await withFilters(['low']);
    await rig.engine.detachFilter('disk:a', 'low');
    expect(port.contexts()).toEqual([]);
  });

  it('a filter that throws is named, and what it threw goes on to the caller', async () => {
    const port = await withFilters(['broken', 'failing']);
    expect(() => port.contexts()).toThrow('no contexts');
    await rig.engine.detachFilter('disk:a', 'broken');
    await expect(port.contexts()[0]!.extents(0, 8)).rejects.toThrow('no extents');
    expect(rig.faults).toEqual([
      'filter broken@400 on a: no contexts',
      'filter failing@500 on a: no extents',
    ]);
  });
});
