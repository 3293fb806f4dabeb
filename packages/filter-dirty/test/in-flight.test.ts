import { BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

const { Read, Write, Discard, WriteZeroes } = BioOp;

describe('a write that is under way', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = new Setup({ sectors: 8192 });
    await setup.start('dirty granularity=4K');
    await setup.message('clear');
    setup.disk.hold();
  });

  afterEach(async () => {
    setup.disk.release();
    await setup.stop();
  });

  it('is in the bitmap before it is on the disk', async () => {
    const ended = setup.send(Write, 8, 8);
    expect(ended).toEqual([]);
    expect(await setup.dirty()).toBe('8+8');
  });

  it.each([
    ['write', Write],
    ['discard', Discard],
    ['write-zeroes', WriteZeroes],
  ])('clear: a %s counts in the new period, too', async (_name, op) => {
    setup.send(op, 8, 8);
    setup.send(op, 100, 1);
    await setup.message('clear');
    expect(await setup.dirty()).toBe('8+8 96+8');
    setup.disk.release();
    expect(await setup.dirty()).toBe('8+8 96+8');
    await setup.message('clear');
    expect(await setup.dirty()).toBe('');
  });

  it('rotate: it counts on both sides, as often as it is under way', async () => {
    setup.send(Write, 8, 8);
    await setup.message('rotate first');
    setup.send(Write, 64, 8);
    await setup.message('rotate second');
    setup.disk.releaseOne();
    await setup.message('rotate third');
    setup.disk.release();
    await setup.message('rotate fourth');
    expect(await setup.dirty('first')).toBe('8+8');
    expect(await setup.dirty('second')).toBe('8+8 64+8');
    expect(await setup.dirty('third')).toBe('8+8 64+8');
    expect(await setup.dirty('fourth')).toBe('64+8');
    expect(await setup.dirty()).toBe('');
  });

  it('is over when it failed, too', async () => {
    setup.disk.fail(Status.Io);
    const ended = setup.send(Write, 8, 8);
    setup.disk.release();
    expect(ended).toEqual([Status.Io]);
    await setup.message('clear');
    expect(await setup.dirty()).toBe('');
  });

  it('a read under way does not count', async () => {
    setup.send(Read, 8, 8);
    await setup.message('clear');
    expect(await setup.dirty()).toBe('');
  });

  it('a thousand of them, of which every other one ends', async () => {
    setup.disk.hold((bio) => (bio.sector / 8) % 2 === 1);
    for (let sector = 0; sector < 8192; sector += 8) setup.send(Write, sector, 1);
    await setup.message('clear');
    expect(await setup.status()).toBe('granularity=4096 blocks=1024 dirty=512');
    const held = Array.from({ length: 512 }, (_, i) => `${String(8 + 16 * i)}+8`);
    expect(await setup.dirty()).toBe(held.join(' '));
    setup.disk.release('newest');
    await setup.message('clear');
    expect(await setup.dirty()).toBe('');
  });
});
