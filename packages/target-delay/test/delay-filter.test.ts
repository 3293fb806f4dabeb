import { createEngine, type Engine, type Port } from '@interposer/core';
import { chaosDriver, type ChaosDisk, VirtualClock } from '@interposer/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { delayFilter } from '../src/index.ts';

describe('the filter delay', () => {
  let clock: VirtualClock;
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;
  let device: string;

  const status = async (): Promise<string> => (await engine.filters(device))[0]!.status;

  beforeEach(async () => {
    clock = new VirtualClock();
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: 64 });
    engine = createEngine({ types: [delayFilter, driver], clock });
    port = await engine.open('chaos:a');
    device = port.device.number;
  });

  afterEach(async () => {
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('delays all by one number', async () => {
    await engine.attachFilter(device, 'delay 10');
    const running = [
      port.read(0, 1),
      port.write(0, new Uint8Array(512)),
      port.discard(0, 8),
      port.writeZeroes(0, 8),
      port.flush(),
    ];
    expect(await status()).toBe('1 3 1');
    clock.advance(9);
    expect(disk.requests).toBe(0);
    clock.advance(1);
    await Promise.all(running);
    expect(await status()).toBe('0 0 0');
  });

  it('delays reads, writes and flushes by numbers of their own', async () => {
    await engine.attachFilter(device, 'delay 10 20 30');
    const read = port.read(0, 1);
    const write = port.write(0, new Uint8Array(512));
    const flush = port.flush();
    clock.advance(10);
    await read;
    expect(await status()).toBe('0 1 1');
    clock.advance(10);
    await write;
    expect(await status()).toBe('0 0 1');
    clock.advance(10);
    await flush;
  });

  it('delays flushes as writes unless told otherwise, and passes at once what has no delay', async () => {
    await engine.attachFilter(device, 'delay 0 5');
    await port.read(0, 1);
    const flush = port.flush();
    expect(await status()).toBe('0 0 1');
    clock.advance(5);
    await flush;
  });

  it('lets go of all when it is taken out, or when something else is put in', async () => {
    await engine.attachFilter(device, 'delay 1000');
    const read = port.read(0, 1);
    await engine.attachFilter(device, 'delay@160000 1');
    await read;
    await engine.detachFilter(device, '160000');
    const write = port.write(0, new Uint8Array(512));
    expect(await status()).toBe('0 1 0');
    await engine.detachFilter(device, 'delay');
    await write;
    await port.read(0, 1);
    expect(clock.now()).toBe(0);
  });

  it('adds up with another one', async () => {
    await engine.attachFilter(device, 'delay 10');
    await engine.attachFilter(device, 'delay@150001 5');
    const read = port.read(0, 1);
    clock.advance(14);
    expect(disk.requests).toBe(0);
    clock.advance(1);
    await read;
  });

  it('forgets what core failed because the device is gone', async () => {
    await engine.attachFilter(device, 'delay 10');
    const read = port.read(0, 1);
    const failure = expect(read).rejects.toMatchObject({ code: 'ENODEV' });
    await engine.yank(device);
    await failure;
    expect(clock.pending).toBe(0);
    expect(disk.requests).toBe(0);
  });

  it('leaves the allocation as it is', async () => {
    const before = await port.extents(0, 64);
    await engine.attachFilter(device, 'delay 10');
    expect(await port.extents(0, 64)).toEqual(before);
  });

  it.each(['delay 0', 'delay 10', 'delay 010 20', 'delay 1 2 3', 'delay 4294967295'])(
    'shows %s as it is attached',
    async (spec) => {
      const shown = await engine.attachFilter(device, spec);
      expect(shown).toEqual({
        device: port.device.name,
        type: 'delay',
        altitude: '150000',
        args: spec.slice('delay '.length).replace(/^010/, '10'),
        status: '0 0 0',
      });
    },
  );

  it.each([
    ['delay', 'not enough arguments'],
    ['delay x', 'Invalid delay'],
    ['delay -1', 'Invalid delay'],
    ['delay 1.5', 'Invalid delay'],
    ['delay 4294967296', 'Invalid delay'],
    ['delay 1 x', 'Invalid delay'],
    ['delay 1 2 x', 'Invalid delay'],
    ['delay 1 2 3 4', 'too many arguments'],
  ])('refuses %s', async (spec, reason) => {
    await expect(engine.attachFilter(device, spec)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
    expect(await engine.filters(device)).toEqual([]);
  });
});
