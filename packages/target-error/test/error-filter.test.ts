import { createEngine, type Engine } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { spanTarget } from '@interposer/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorFilter } from '../src/index.ts';

const EIO = { code: 'EIO' };

describe('the filter error', () => {
  let engine: Engine;

  beforeEach(async () => {
    engine = createEngine({ types: [ram, spanTarget, errorFilter] });
    await engine.create('disk', { table: '0 64 span ram:64s 0' });
    await engine.write('disk', 0, new Uint8Array(64 * 512).fill(7));
  });

  afterEach(() => engine.close());

  it('fails everything but flushes, until it is taken out again', async () => {
    await engine.attachFilter('disk', 'error');
    await expect(engine.read('disk', 0, 1)).rejects.toMatchObject(EIO);
    await expect(engine.write('disk', 63, new Uint8Array(512))).rejects.toMatchObject(EIO);
    await expect(engine.discard('disk', 0, 64)).rejects.toMatchObject(EIO);
    await expect(engine.zero('disk', 8, 8)).rejects.toMatchObject(EIO);
    await engine.flush('disk');
    await engine.detachFilter('disk', 'error');
    expect(await engine.read('disk', 0, 64)).toEqual(new Uint8Array(64 * 512).fill(7));
  });

  it('fails what touches the range, and only that', async () => {
    await engine.attachFilter('disk', 'error 8 2');
    await engine.read('disk', 0, 8);
    await engine.read('disk', 10, 54);
    await expect(engine.read('disk', 0, 9)).rejects.toMatchObject(EIO);
    await expect(engine.read('disk', 8, 1)).rejects.toMatchObject(EIO);
    await expect(engine.read('disk', 9, 8)).rejects.toMatchObject(EIO);
    await expect(engine.write('disk', 0, new Uint8Array(64 * 512))).rejects.toMatchObject(EIO);
    await engine.detachFilter('disk', 'error');
    expect(await engine.read('disk', 0, 64)).toEqual(new Uint8Array(64 * 512).fill(7));
  });

  it('shows its place and its arguments', async () => {
    await engine.attachFilter('disk', 'error');
    await engine.attachFilter('disk', 'error@150000 63 1');
    expect(await engine.filters('disk')).toEqual([
      { device: 'disk', type: 'error', altitude: '150000', args: '63 1', status: '' },
      { device: 'disk', type: 'error', altitude: '140000', args: '', status: '' },
    ]);
  });

  it('leaves the allocation as it is', async () => {
    await engine.create('x', { table: '0 512 span ram:512s 0' });
    await engine.attachFilter('x', 'error 0 8');
    expect(await engine.extents('x', 0, 512)).toEqual([{ sector: 0, count: 512, hole: true, zero: true }]);
  });

  it.each([
    ['error 8', 'count is missing'],
    ['error x 8', 'first'],
    ['error 8 0', 'count'],
    ['error 63 2', 'sectors 63+2 are not on disk, which has 64'],
    ['error 8 1 1', 'too many arguments'],
  ])('refuses %s', async (spec, reason) => {
    await expect(engine.attachFilter('disk', spec)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
    expect(await engine.filters('disk')).toEqual([]);
  });
});
