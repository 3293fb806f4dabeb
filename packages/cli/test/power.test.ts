import { ALL_OPS, defineFilter, fail, PreResult } from '@interposer/core';
import { volatile } from '@interposer/filter-volatile';
import { beforeEach, describe, expect, it } from 'vitest';
import { PLUGINS, Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();

/** What the caches were told, in the order in which they were. */
let told: string[];

/** A filter that answers as the model of a cache does, and keeps nothing. */
const recorder = defineFilter({
  name: 'volatile',
  version: [1, 0, 0],
  altitude: '30000',
  ops: ALL_OPS,
  params: [],
  attach: ({ port }) => ({
    pre: () => PreResult.Pass,
    table: () => '',
    message: async (words) => {
      told.push(`begin ${port.device.name}: ${words.join(' ')}`);
      await Promise.resolve();
      told.push(`end ${port.device.name}`);
      if (words.includes('keep=101')) throw fail('EINVAL', 'keep=101: a percentage is at most 100');
      return words[0] === 'cut' ? 'seed=7 kept=1 torn=2 lost=3\n' : '';
    },
  }),
});

async function benchWithDisks(...cached: readonly string[]): Promise<Workbench> {
  const plugin = { package: 'recorder', version: '1', types: [recorder] };
  const bench = new Workbench(directory, [...PLUGINS, plugin]);
  for (const name of ['data', 'log']) await bench.ok('create', name, '--table', '0 8 linear ram:1M 0');
  for (const name of cached) await bench.ok('filter', 'attach', name, 'volatile');
  return bench;
}

beforeEach(() => {
  told = [];
});

describe('power-cut', () => {
  it('tells the cache of a device, and what became of it', async () => {
    const bench = await benchWithDisks('data');
    expect(await bench.ok('power-cut', 'data')).toBe('data: seed=7 kept=1 torn=2 lost=3\n');
    expect(told).toEqual(['begin data: cut', 'end data']);
  });

  it('passes on how', async () => {
    const bench = await benchWithDisks('data');
    await bench.ok('power-cut', 'data', '--on', '--torn', '25', '--keep=0', '--seed', '99');
    expect(told[0]).toBe('begin data: cut seed=99 keep=0 torn=25 on');
  });

  it('reaches all devices before the first one answers', async () => {
    const bench = await benchWithDisks('data', 'log');
    expect(JSON.parse(await bench.ok('power-cut', 'data', '/dev/mapper/log', '--json'))).toEqual([
      { device: 'data', seed: 7, kept: 1, torn: 2, lost: 3 },
      { device: '/dev/mapper/log', seed: 7, kept: 1, torn: 2, lost: 3 },
    ]);
    expect(told).toEqual(['begin data: cut', 'begin log: cut', 'end data', 'end log']);
  });

  it('finds an image that is open by its path', async () => {
    const bench = await benchWithDisks();
    const image = makeImage(directory, 'power.img', 8);
    const { device } = await bench.connect().hold(image, 'write');
    await bench.ok('filter', 'attach', device, 'volatile');
    expect(await bench.ok('power-cut', 'power.img')).toBe('power.img: seed=7 kept=1 torn=2 lost=3\n');
    expect(told[0]).toBe(`begin ${image}: cut`);
  });

  it('cuts none if one has no cache, and says what to do', async () => {
    const bench = await benchWithDisks('data');
    expect(await bench.run(['power-cut', 'data', 'log'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'interposer: ENOENT: log has no cache to lose: slide one over it with interposer filter attach log volatile\n',
    });
    expect(told).toEqual([]);
  });

  it.each([
    [['nosuch'], 'ENOENT: there is no file'],
    [['data', '--keep', 'half'], 'EINVAL: --keep half: not a whole number'],
    [['data', '--seed=-1'], 'EINVAL: --seed -1: not a whole number'],
    [['data', '--keep', '101'], 'EINVAL: keep=101: a percentage is at most 100'],
  ])('%j is refused', async (args, text) => {
    const { code, stderr } = await (await benchWithDisks('data')).run(['power-cut', ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain(text);
  });
});

describe('power-cut of the filter volatile', () => {
  it('loses what no flush made stable, once the power is back', async () => {
    const plugin = { package: '@interposer/filter-volatile', version: '1', types: [volatile] };
    const bench = new Workbench(directory, [...PLUGINS, plugin]);
    await bench.ok('create', 'disk', '--table', '0 64 linear ram:1M 0');
    await bench.ok('filter', 'attach', 'disk', 'volatile');
    const service = bench.connect();
    await service.write('disk', 0, new Uint8Array(512).fill(1));
    await service.flush('disk');
    await service.write('disk', 0, new Uint8Array(512).fill(2));
    await service.write('disk', 8, new Uint8Array(512).fill(3));
    const cut = await bench.ok('power-cut', 'disk', '--keep', '0', '--seed', '7');
    expect(cut).toBe('disk: seed=7 kept=0 torn=0 lost=2\n');
    await expect(service.read('disk', 0, 1)).rejects.toThrow();
    await bench.ok('power-on', 'disk');
    expect((await service.read('disk', 0, 1))[0]).toBe(1);
    expect((await service.read('disk', 8, 1))[0]).toBe(0);
    expect(await bench.ok('power-cut', 'disk', '--on', '--seed=9')).toBe(
      'disk: seed=9 kept=0 torn=0 lost=0\n',
    );
    await service.flush('disk');
  });
});

describe('the power of several disks', () => {
  async function twoDisks(): Promise<Workbench> {
    const plugin = { package: '@interposer/filter-volatile', version: '1', types: [volatile] };
    const bench = new Workbench(directory, [...PLUGINS, plugin]);
    for (const name of ['data', 'log']) {
      await bench.ok('create', name, '--table', '0 8 linear ram:1M 0');
      await bench.ok('filter', 'attach', name, 'volatile');
    }
    return bench;
  }

  it.each([
    ['power-cut', 'power-cut', 'off', 'on'],
    ['power-on', 'power-cut', 'on', 'off'],
  ])('%s changes none where it cannot change all', async (verb, before, state, other) => {
    const bench = await twoDisks();
    await bench.ok(before, verb === 'power-cut' ? 'log' : 'data');
    const { code, stderr } = await bench.run([verb, 'data', 'log']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `interposer: EALREADY: the power of log is ${state} already\n`,
    });
    expect((await bench.connect().filters('data'))[0]?.status).toContain(`power=${other}`);
  });

  it('is cut once where a disk is named twice', async () => {
    const bench = await twoDisks();
    const cut = 'seed=1 kept=0 torn=0 lost=0';
    expect(await bench.ok('power-cut', 'data', '/dev/mapper/data', '--seed', '1')).toBe(
      `data: ${cut}\n/dev/mapper/data: ${cut}\n`,
    );
  });
});

describe('power-on', () => {
  it('brings devices back and is quiet', async () => {
    const bench = await benchWithDisks('data', 'log');
    expect(await bench.ok('power-on', 'data', 'log')).toBe('');
    expect(told.slice(0, 2)).toEqual(['begin data: on', 'begin log: on']);
    expect(JSON.parse(await bench.ok('power-on', 'data', '--json'))).toEqual([{ device: 'data' }]);
  });
});
