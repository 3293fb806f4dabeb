import { BioOp, createEngine, defineDriver, makeLimits, MapResult } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dirty } from '../src/index.ts';
import { DISK, Setup } from './support.ts';

const { Write } = BioOp;

describe('frozen bitmaps', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = new Setup();
    await setup.start('dirty name=backup granularity=4K');
    await setup.message('clear');
  });

  afterEach(() => setup.stop());

  it('rotate: what was dirty is kept under a name, and everything is clean', async () => {
    setup.send(Write, 8, 8);
    expect(await setup.message('rotate monday')).toBe('');
    setup.send(Write, 64, 1);
    expect(setup.names).toEqual(['qemu:dirty-bitmap:backup', 'qemu:dirty-bitmap:monday']);
    expect(await setup.dirty('monday')).toBe('8+8');
    expect(await setup.dirty('backup')).toBe('64+8');
    await setup.message('rotate tuesday');
    expect(await setup.dirty('monday')).toBe('8+8');
    expect(await setup.dirty('tuesday')).toBe('64+8');
    expect(await setup.status()).toBe('granularity=4096 blocks=128 dirty=0 frozen=monday:1,tuesday:1');
  });

  it('merge: the bits of a backup that failed come back', async () => {
    setup.send(Write, 8, 8);
    await setup.message('rotate monday');
    setup.send(Write, 64, 1);
    await setup.message('merge monday');
    expect(setup.names).toEqual(['qemu:dirty-bitmap:backup']);
    expect(await setup.dirty('backup')).toBe('8+8 64+8');
    expect(await setup.status()).toBe('granularity=4096 blocks=128 dirty=2');
  });

  it('drop: it is forgotten, and its name is free', async () => {
    setup.send(Write, 8, 8);
    await setup.message('rotate monday');
    await setup.message('drop monday');
    expect(setup.names).toEqual(['qemu:dirty-bitmap:backup']);
    expect(await setup.dirty('backup')).toBe('');
    await setup.message('rotate monday');
    expect(await setup.dirty('monday')).toBe('');
  });

  it('clear: leaves them', async () => {
    setup.send(Write, 8, 8);
    await setup.message('rotate monday');
    setup.send(Write, 64, 8);
    await setup.message('clear');
    expect(await setup.dirty('backup')).toBe('');
    expect(await setup.dirty('monday')).toBe('8+8');
  });

  it('a context in hand goes on: the live one follows, a frozen one tells what it knew', async () => {
    const live = setup.context('backup');
    setup.send(Write, 8, 8);
    await setup.message('rotate monday');
    const frozen = setup.context('monday');
    await setup.message('drop monday');
    expect(await live.extents(0, 16)).toEqual([{ sector: 0, count: 16, flags: 0 }]);
    expect(await frozen.extents(8, 8)).toEqual([{ sector: 8, count: 8, flags: 1 }]);
    await setup.engine.detachFilter(DISK, 'dirty');
    setup.send(Write, 0, 8);
    // Nobody follows the device any more.
    expect(await live.extents(0, 1024)).toEqual([{ sector: 0, count: 1024, flags: 1 }]);
    expect(setup.names).toEqual([]);
  });

  it.each([
    ['rotate backup', 'EEXIST', 'there is a bitmap backup already'],
    ['rotate monday', 'EEXIST', 'there is a bitmap monday already'],
    ['rotate a:b', 'EINVAL', '"a:b" is no name'],
    [`rotate ${'a'.repeat(256)}`, 'EINVAL', 'is no name: 1 to 255'],
    ['merge backup', 'ENOENT', 'no bitmap backup is frozen; there are: monday'],
    ['merge tuesday', 'ENOENT', 'no bitmap tuesday is frozen'],
    ['drop tuesday', 'ENOENT', 'no bitmap tuesday is frozen'],
    ['rotate', 'EINVAL', '"rotate" is no message; messages: clear, rotate NAME, merge NAME, drop NAME'],
    ['clear monday', 'EINVAL', '"clear monday" is no message'],
    ['drop monday tuesday', 'EINVAL', 'is no message'],
    ['disable', 'EINVAL', '"disable" is no message'],
    ['constructor x', 'EINVAL', 'is no message'],
  ])('refuses %s, and nothing changes', async (words, code, text) => {
    setup.send(Write, 8, 8);
    await setup.message('rotate monday');
    const before = await setup.status();
    await expect(setup.message(words)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
    expect(await setup.status()).toBe(before);
  });

  it('there are at most 16', async () => {
    for (let i = 0; i < 16; i++) await setup.message(`rotate ${String(i)}`);
    setup.send(Write, 8, 8);
    await expect(setup.message('rotate 16')).rejects.toMatchObject({ code: 'ENOMEM' });
    expect(await setup.dirty('backup')).toBe('8+8');
    await setup.message('drop 3');
    await setup.message('rotate 16');
    expect(await setup.dirty('16')).toBe('8+8');
  });
});

describe('the arguments of the filter dirty', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  it.each([
    ['dirty', 'name=dirty granularity=65536'],
    ['dirty name=a.b-c_D9', 'name=a.b-c_D9 granularity=65536'],
    ['dirty granularity=512', 'name=dirty granularity=512'],
    ['dirty granularity=16M name=backup', 'name=backup granularity=16777216'],
  ])('%s: shown as they would attach it again', async (spec, args) => {
    setup = new Setup();
    await setup.start(spec);
    const before = await setup.engine.filters(DISK);
    expect(before).toMatchObject([{ type: 'dirty', altitude: '420000', args }]);
    await setup.message('clear');
    await setup.engine.detachFilter(DISK, 'dirty');
    await setup.engine.attachFilter(DISK, `dirty@420000 ${args}`);
    expect(await setup.engine.filters(DISK)).toEqual(before);
  });

  it('leave allocation as it is', async () => {
    setup = new Setup();
    await setup.start('dirty');
    const attached = await setup.engine.extents(DISK, 0, 1024);
    await setup.engine.detachFilter(DISK, 'dirty');
    expect(await setup.engine.extents(DISK, 0, 1024)).toEqual(attached);
  });

  it.each([
    ['granularity=256', 'granularity'],
    ['granularity=32M', 'granularity'],
    ['granularity=5000', 'granularity=5000 is no power of two'],
    ['granularity=x', 'granularity'],
    ['name=', 'name'],
    ['name=a:b', '"a:b" is no name'],
    ['name=a name=b', 'name'],
    ['backup', 'backup'],
    ['file=/tmp/x', 'file'],
  ])('refuses %s', async (args, text) => {
    setup = new Setup();
    await setup.start('dirty');
    await expect(setup.engine.attachFilter(DISK, `dirty@1 ${args}`)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(text),
    });
  });
});

it('a device of more blocks than a bitmap may have is refused, and can be had with larger ones', async () => {
  const huge = defineDriver({
    name: 'huge',
    version: [1, 0, 0],
    schemes: ['huge'],
    major: 1,
    identify: async () => 'huge',
    open: async () => ({
      limits: makeLimits(2 ** 36),
      submit: () => MapResult.Kill,
      close: async () => undefined,
    }),
  });
  const engine = createEngine({ types: [huge, dirty] });
  const port = await engine.open('huge:');
  await expect(engine.attachFilter('huge', 'dirty granularity=16K')).rejects.toMatchObject({
    code: 'EINVAL',
    message:
      'filter dirty: granularity=16384 is for devices of at most 34359738368 sectors, this one has 68719476736: take a larger one',
  });
  await engine.attachFilter('huge', 'dirty granularity=16M');
  const [{ status } = { status: '' }] = await engine.filters('huge');
  expect(status).toBe('granularity=16777216 blocks=2097152 dirty=2097152');
  port.close();
  await engine.close();
});
