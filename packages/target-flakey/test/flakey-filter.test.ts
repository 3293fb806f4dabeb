import { createEngine, type Engine, type Port } from '@interposer/core';
import { chaosDriver, type ChaosDisk, VirtualClock } from '@interposer/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flakeyFilter } from '../src/index.ts';

describe('the filter flakey', () => {
  let clock: VirtualClock;
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;
  let device: string;

  beforeEach(async () => {
    clock = new VirtualClock();
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: 64 });
    engine = createEngine({ types: [flakeyFilter, driver], clock });
    port = await engine.open('chaos:a');
    device = port.device.number;
  });

  afterEach(async () => {
    port.close();
    await engine.close();
  });

  it('lets a live device go down from the moment it is attached, until it is taken out', async () => {
    clock.advance(5000);
    await engine.attachFilter(device, 'flakey 10 20');
    await port.read(0, 1);
    clock.advance(10_000);
    await expect(port.read(0, 1)).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.write(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    clock.advance(20_000);
    await port.flush();
    clock.advance(10_000);
    await engine.detachFilter(device, 'flakey');
    await port.read(0, 1);
  });

  it('corrupts what passes, each one for itself', async () => {
    await engine.attachFilter(device, 'flakey 0 1 5 corrupt_bio_byte 3 w 7 0');
    await engine.attachFilter(device, 'flakey@160001 0 1 5 corrupt_bio_byte 4 w 8 0');
    const data = new Uint8Array(512);
    await port.write(9, data);
    expect([...disk.data.subarray(9 * 512, 9 * 512 + 5)]).toEqual([0, 0, 7, 8, 0]);
    expect(data.every((byte) => byte === 0)).toBe(true);
  });

  it('calls everything allocated', async () => {
    await engine.attachFilter(device, 'flakey 1 1');
    expect(await port.extents(0, 64)).toEqual([{ sector: 0, count: 64, hole: false, zero: false }]);
  });

  it.each([
    ['flakey 1 2', '1 2 2 error_reads error_writes'],
    ['flakey 1 2 0', '1 2 2 error_reads error_writes'],
    ['flakey 01 2 1 DROP_WRITES', '1 2 1 drop_writes'],
    ['flakey 1 2 4 seed 7 random_read_corrupt 5', '1 2 4 random_read_corrupt 5 seed 7'],
    [
      'flakey 1 2 9 random_write_corrupt 6 random_read_corrupt 5 corrupt_bio_byte 1 w 2 3',
      '1 2 9 corrupt_bio_byte 1 w 2 3 random_read_corrupt 5 random_write_corrupt 6',
    ],
  ])('shows %s as it would attach it again', async (spec, args) => {
    expect(await engine.attachFilter(device, spec)).toEqual({
      device: port.device.name,
      type: 'flakey',
      altitude: '160000',
      args,
      status: '',
    });
    await engine.detachFilter(device, 'flakey');
    expect(await engine.attachFilter(device, `flakey ${args}`)).toMatchObject({ args });
  });

  it.each([
    ['flakey', 'not enough arguments'],
    ['flakey 1', 'not enough arguments'],
    ['flakey x 1', 'Invalid up interval'],
    ['flakey 1 x', 'Invalid up interval (down: "x"'],
    ['flakey 0 0', 'Total (up + down) interval is zero'],
    ['flakey 4294967295 2', 'Interval overflow'],
    ['flakey 1 1 2 drop_writes', 'Invalid number of feature args'],
    ['flakey 1 1 1 frobnicate', 'Unrecognised flakey feature requested: frobnicate'],
  ])('refuses %s', async (spec, reason) => {
    await expect(engine.attachFilter(device, spec)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
    expect(await engine.filters(device)).toEqual([]);
  });
});
