import { BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { noise } from './images.ts';
import { withParity } from './parity-world.ts';
import { outcome, World } from './world.ts';

// What is said of unreadable blocks was seen on Linux 6.12, over an error target.
describe('check_at_most_once', () => {
  it('is blind to what changes later, but for blocks that were never read', async () => {
    const world = await World.make();
    const port = await world.open('check_at_most_once');
    await port.read(0, 8);
    world.data.data[3 * 512]! ^= 1;
    world.data.data[8 * 512]! ^= 1;
    expect(await outcome(port.read(0, 8))).toBe('ok');
    expect(await outcome(port.read(0, 9))).toBe('EIO');
    world.data.data[8 * 512]! ^= 1;
    expect(await outcome(port.read(0, 9))).toBe('ok');
  });

  it('needs the tree no more for what was checked', async () => {
    const world = await World.make();
    const port = await world.open('check_at_most_once');
    await port.read(0, 300);
    world.hash.fail(Status.Io);
    const arrived = world.hash.arrived[BioOp.Read];
    expect(Buffer.from(await port.read(0, 300)).equals(world.good)).toBe(true);
    expect(world.hash.arrived[BioOp.Read]).toBe(arrived);
  });

  it('shows no zeroes for blocks that were checked once and cannot be read now', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(`check_at_most_once ${words}`);
    await port.read(1, 7);
    world.data.fail(Status.Io, { times: 1 });
    expect(Buffer.from(await port.read(0, 8)).equals(world.good.subarray(0, 8 * 512))).toBe(true);
  });

  it('does not keep parity from what was checked once and cannot be read now', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(`check_at_most_once ${words}`);
    await port.read(0, 8);
    world.data.fail(Status.Io, { times: 1 });
    expect(Buffer.from(await port.read(0, 8)).equals(world.good.subarray(0, 8 * 512))).toBe(true);
  });

  it('does not keep a restart from what was checked once and cannot be read now', async () => {
    const world = await World.make();
    const port = await world.open('restart_on_error check_at_most_once');
    await port.read(0, 8);
    world.data.fail(Status.Io, { times: 1 });
    expect(await outcome(port.read(0, 8))).toBe('EIO');
    expect(world.emergencies).toEqual(['restart']);
  });

  it('checks what parity had to mend again', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(`check_at_most_once ${words}`);
    world.data.data.set(noise(9, 512), 0);
    for (let round = 0; round < 2; round++)
      expect(Buffer.from(await port.read(0, 8)).equals(world.good.subarray(0, 8 * 512))).toBe(true);
  });
});
