import { BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

const { Read, Write, Flush, Discard, WriteZeroes } = BioOp;
const OK = [Status.Ok];

describe('the filter dirty', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(spec = 'dirty granularity=4K', sectors = 1024): Promise<void> {
    setup = new Setup({ sectors });
    await setup.start(spec);
  }

  it('begins with everything dirty: what was written before nobody knows', async () => {
    await start('dirty');
    expect(await setup.extents('dirty')).toEqual([{ sector: 0, count: 1024, flags: 1 }]);
    expect(await setup.status()).toBe('granularity=65536 blocks=8 dirty=8');
  });

  it('clear: everything is clean, and stays so while nothing is changed', async () => {
    await start();
    expect(await setup.message('clear')).toBe('');
    expect(setup.send(Read, 0, 64)).toEqual(OK);
    expect(setup.send(Flush, 0, 0)).toEqual(OK);
    expect(await setup.extents('dirty')).toEqual([{ sector: 0, count: 1024, flags: 0 }]);
    expect(await setup.status()).toBe('granularity=4096 blocks=128 dirty=0');
  });

  it.each([
    ['write', Write],
    ['discard', Discard],
    ['write-zeroes', WriteZeroes],
  ])('%s: the blocks that it touches are dirty, and no others', async (_name, op) => {
    await start();
    await setup.message('clear');
    expect(setup.send(op, 15, 2)).toEqual(OK);
    expect(setup.send(op, 1016, 8)).toEqual(OK);
    expect(setup.send(op, 512, 1)).toEqual(OK);
    expect(await setup.dirty()).toBe('8+16 512+8 1016+8');
    expect(await setup.status()).toBe('granularity=4096 blocks=128 dirty=4');
    expect(setup.send(op, 0, 1024)).toEqual(OK);
    expect(await setup.dirty()).toBe('0+1024');
  });

  it('tells of a part of the device', async () => {
    await start();
    await setup.message('clear');
    setup.send(Write, 64, 64);
    expect(await setup.extents('dirty', 60, 8)).toEqual([
      { sector: 60, count: 4, flags: 0 },
      { sector: 64, count: 4, flags: 1 },
    ]);
    expect(await setup.extents('dirty', 127, 2)).toEqual([
      { sector: 127, count: 1, flags: 1 },
      { sector: 128, count: 1, flags: 0 },
    ]);
    expect(await setup.extents('dirty', 65, 1)).toEqual([{ sector: 65, count: 1, flags: 1 }]);
  });

  it('the last block may be a part of one', async () => {
    await start('dirty granularity=4K', 1021);
    await setup.message('clear');
    expect(await setup.extents('dirty')).toEqual([{ sector: 0, count: 1021, flags: 0 }]);
    setup.send(Write, 1020, 1);
    expect(await setup.dirty()).toBe('1016+5');
  });

  it('a write that failed may have changed something', async () => {
    await start();
    await setup.message('clear');
    setup.disk.fail(Status.Io);
    expect(setup.send(Write, 8, 8)).toEqual([Status.Io]);
    expect(await setup.dirty()).toBe('8+8');
  });

  it('a write beyond the end does not reach it', async () => {
    await start();
    await setup.message('clear');
    expect(setup.send(Write, 1020, 8)).toEqual([Status.Inval]);
    expect(await setup.dirty()).toBe('');
  });

  it('several on a device do not know of one another', async () => {
    await start('dirty name=daily granularity=4K');
    await setup.engine.attachFilter('disk', 'dirty@420000.5 name=weekly granularity=8K');
    await setup.engine.messageFilter('disk', 'dirty@420000', ['clear']);
    await setup.engine.messageFilter('disk', 'dirty@420000.5', ['clear']);
    setup.send(Write, 8, 8);
    await setup.engine.messageFilter('disk', 'dirty@420000', ['clear']);
    expect(setup.names).toEqual(['qemu:dirty-bitmap:weekly', 'qemu:dirty-bitmap:daily']);
    expect(await setup.dirty('daily')).toBe('');
    expect(await setup.dirty('weekly')).toBe('0+16');
  });
});

describe('the size of the device', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  it('grows: what is new is dirty, in the block too in which the end was', async () => {
    setup = new Setup({ sectors: 2048 });
    await setup.start('dirty granularity=4K', 1020);
    await setup.message('clear');
    setup.send(Write, 0, 1);
    await setup.message('rotate first');
    setup.send(Write, 16, 1);
    await setup.resize(2048);
    expect(await setup.dirty()).toBe('16+8 1016+1032');
    expect(await setup.dirty('first')).toBe('0+8 1020+1028');
    expect(await setup.status()).toBe('granularity=4096 blocks=256 dirty=130 frozen=first:1');
    await setup.message('merge first');
    expect(await setup.dirty()).toBe('0+8 16+8 1016+1032');
    await setup.message('clear');
    setup.send(Write, 2047, 1);
    expect(await setup.dirty()).toBe('2040+8');
  });

  it('shrinks: what is gone is forgotten, and dirty when it comes back', async () => {
    setup = new Setup({ sectors: 1024 });
    await setup.start('dirty granularity=4K');
    await setup.message('clear');
    setup.send(Write, 0, 1);
    setup.send(Write, 800, 1);
    await setup.resize(512);
    expect(await setup.dirty()).toBe('0+8');
    expect(await setup.status()).toBe('granularity=4096 blocks=64 dirty=1');
    await setup.resize(1024);
    expect(await setup.dirty()).toBe('0+8 512+512');
  });

  it('stays: another table and a suspend change nothing', async () => {
    setup = new Setup({ sectors: 1024 });
    await setup.start('dirty granularity=4K');
    await setup.message('clear');
    setup.send(Write, 0, 1);
    await setup.resize(1024);
    await setup.engine.suspend('disk');
    await setup.message('rotate first');
    await setup.engine.resume('disk');
    expect(await setup.dirty('first')).toBe('0+8');
    expect(await setup.dirty()).toBe('');
  });
});
