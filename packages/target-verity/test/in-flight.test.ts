import { setImmediate } from 'node:timers/promises';
import { BioOp, MappedDevice, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { outcome, World } from './world.ts';

describe('a read of the tree under way', () => {
  it('is one, whoever waits for it', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.hold();
    const reads = Array.from({ length: 50 }, (_, block) => port.read(block, 1));
    await setImmediate();
    expect(world.hash.held).toHaveLength(1);
    world.hash.release();
    const bytes = Buffer.concat(await Promise.all(reads));
    expect(bytes.equals(world.good.subarray(0, bytes.length))).toBe(true);
    // The whole tree is small enough to be read at once.
    expect(world.hash.arrived[BioOp.Read]).toBe(1);
  });

  it('is waited for by a suspend, and the request with it', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.hold();
    const reading = outcome(port.read(0, 1));
    await setImmediate();
    let isSuspended = false;
    const suspending = world.engine.suspend('x').then(() => (isSuspended = true));
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(isSuspended).toBe(false);
    world.hash.release();
    expect(await reading).toBe('ok');
    await suspending;
    await world.engine.resume('x');
    expect(await outcome(port.read(0, 1))).toBe('ok');
  });

  it('that nobody needs any more is waited for by a suspend', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.hold();
    world.data.fail(Status.Io, { times: 1 });
    expect(await outcome(port.read(0, 1))).toBe('EIO');
    expect(world.hash.held).toHaveLength(1);
    let isSuspended = false;
    const suspending = world.engine.suspend('x').then(() => (isSuspended = true));
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(isSuspended).toBe(false);
    world.hash.release();
    await suspending;
  });

  it('names the target as the holder of the request', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.hold();
    const reading = outcome(port.read(0, 1));
    await setImmediate();
    expect(port.device.stuck()).toEqual([expect.stringContaining('target verity')]);
    world.hash.release();
    await reading;
  });

  it('ends with the request when the device is yanked, and finds nothing corrupted later', async () => {
    const world = await World.make();
    const port = await world.open();
    world.hash.hold();
    const reading = outcome(port.read(0, 8));
    await setImmediate();
    await world.engine.yank('x');
    expect(await reading).toBe('ENODEV');
    world.hash.release();
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(world.log).toEqual([]);
    expect(world.faults).toEqual([]);
  });
});

describe('surprise removal', () => {
  it.each(['hash', 'data'] as const)('of the %s disk: reads fail, what waits too', async (disk) => {
    const world = await World.make();
    const port = await world.open();
    world[disk].hold();
    const reading = outcome(port.read(0, 8));
    await setImmediate();
    await world.engine.yank(`chaos:${disk}`);
    world[disk].fail(Status.NoDev);
    world[disk].release();
    expect(await reading).toMatch(/^(EIO|ENODEV)$/);
    expect(await outcome(port.read(100, 8))).toMatch(/^(EIO|ENODEV)$/);
    expect(world.faults).toEqual([]);
    expect(await world.status()).toBe('V');
  });

  it('of the hash disk: what is at hand is verified all the same', async () => {
    const world = await World.make();
    const port = await world.open();
    await port.read(0, 8);
    await world.engine.yank('chaos:hash');
    expect(await outcome(port.read(0, 300))).toBe('ok');
    world.data.data[0]! ^= 1;
    expect(await outcome(port.read(0, 1))).toBe('EIO');
  });
});

it('after a fatal corruption nothing is answered, nor what was read before it', async () => {
  const world = await World.make();
  const port = await world.open('panic_on_corruption');
  await port.read(0, 300);
  world.data.hold();
  const reads = [port.read(0, 8), port.read(8, 8), port.read(16, 8)].map(outcome);
  await setImmediate();
  world.data.data[0]! ^= 1;
  world.data.releaseOne();
  await reads[0];
  world.data.release();
  expect(await Promise.all(reads)).toEqual(['EIO', 'EIO', 'EIO']);
  expect(world.emergencies).toEqual(['panic']);
  expect(port.device).toBeInstanceOf(MappedDevice);
});
