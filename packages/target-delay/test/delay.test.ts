import { setImmediate } from 'node:timers/promises';
import { BioFlag, type Clock, createEngine, type Engine, type Port } from '@interposer/core';
import { chaosDriver, type ChaosDisk, VirtualClock } from '@interposer/conformance';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { delay } from '../src/index.ts';

const SECTORS = 256;

describe('delay', () => {
  let clock: VirtualClock;
  let engine: Engine;
  let disks: Readonly<Record<'a' | 'b' | 'c', ChaosDisk>>;
  let port: Port;
  /** What ended, in order, with the time. */
  let ended: [what: string, at: number][];

  /** Puts a row over the disks. */
  async function create(args: string): Promise<void> {
    await engine.create('x', { table: `0 64 delay ${args}` });
    port = await engine.open('x');
  }

  function track(what: string, request: Promise<unknown>): Promise<void> {
    return request.then(() => {
      ended.push([what, clock.now()]);
    });
  }

  /** Time passes a millisecond at a time, and what it sets going ends. */
  async function pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      clock.advance(1);
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  const status = async (): Promise<string> => (await engine.status('x'))[0]!.params;

  beforeEach(() => {
    clock = new VirtualClock();
    const driver = chaosDriver();
    const add = (name: string): ChaosDisk => driver.add(name, { sectors: SECTORS });
    disks = { a: add('a'), b: add('b'), c: add('c') };
    engine = createEngine({ types: [delay, driver, ram], clock });
    ended = [];
  });

  afterEach(async () => {
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('sends each request on exactly so much later', async () => {
    await create('chaos:a 8 10');
    const running = [track('first', port.read(0, 1))];
    await pass(4);
    running.push(track('second', port.write(1, new Uint8Array(512).fill(7))));
    await pass(5);
    expect(disks.a.requests).toBe(0);
    expect(ended).toEqual([]);
    expect(await status()).toBe('1 1 0');
    await pass(1);
    expect(await status()).toBe('0 1 0');
    await pass(3);
    expect(disks.a.requests).toBe(1);
    await pass(1);
    await Promise.all(running);
    expect(ended).toEqual([
      ['first', 10],
      ['second', 14],
    ]);
    expect(disks.a.data[9 * 512]).toBe(7);
  });

  it('sends requests of one moment on in the order they came, whatever their class', async () => {
    await create('chaos:a 0 10 chaos:a 0 20 chaos:a 0 30');
    const running = [track('flush', port.flush())];
    await pass(10);
    running.push(track('write', port.write(0, new Uint8Array(512))));
    await pass(10);
    running.push(track('read', port.read(0, 1)), track('late write', port.write(1, new Uint8Array(512))));
    await pass(40);
    await Promise.all(running);
    expect(ended).toEqual([
      ['flush', 30],
      ['write', 30],
      ['read', 30],
      ['late write', 40],
    ]);
  });

  it('lets a shorter delay overtake a longer one', async () => {
    await create('chaos:a 0 30 chaos:a 0 5 chaos:a 0 1');
    const running = [
      track('read', port.read(0, 1)),
      track('write', port.write(0, new Uint8Array(512))),
      track('flush', port.flush()),
    ];
    await pass(30);
    await Promise.all(running);
    expect(ended).toEqual([
      ['flush', 1],
      ['write', 5],
      ['read', 30],
    ]);
  });

  it('is never late for many, and wakes once for those of one moment', async () => {
    await create('chaos:a 0 10');
    const timers = clock.pending;
    const running = Array.from({ length: 100 }, (_, i) => track(`${i}`, port.read(i % 64, 1)));
    expect(clock.pending).toBe(timers + 1);
    await pass(10);
    await Promise.all(running);
    expect(ended).toEqual(Array.from({ length: 100 }, (_, i) => [`${i}`, 10]));
    expect(clock.pending).toBe(timers);
  });

  it('sends reads, writes and flushes to three devices', async () => {
    await create('chaos:a 8 0 chaos:b 16 0 chaos:c 24 0');
    disks.a.data.fill(1);
    await port.write(2, new Uint8Array(512).fill(2), BioFlag.Fua);
    await port.flush();
    await port.discard(4, 2);
    expect(await port.read(2, 1)).toEqual(new Uint8Array(512).fill(1));
    expect(disks.b.data[18 * 512]).toBe(2);
    expect([disks.a.arrived, disks.b.arrived, disks.c.arrived]).toEqual([
      [1, 0, 0, 0, 0],
      [0, 1, 0, 1, 0],
      [0, 0, 1, 0, 0],
    ]);
  });

  it('takes a write with a preflush for a flush and a write', async () => {
    await create('chaos:a 0 1 chaos:b 0 20 chaos:c 0 10');
    const write = track('write', port.write(0, new Uint8Array(512), BioFlag.Preflush));
    expect(await status()).toBe('0 0 1');
    await pass(10);
    expect(await status()).toBe('0 1 0');
    await pass(20);
    await write;
    expect(ended).toEqual([['write', 30]]);
  });

  it('does not offer write-zeroes', async () => {
    await create('chaos:a 0 1');
    await expect(port.writeZeroes(0, 8)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('shows the allocation of the device that is read', async () => {
    await create('ram:512s 200 0');
    expect(await port.extents(0, 64)).toEqual([{ sector: 0, count: 64, hole: true, zero: true }]);
    await port.write(60, new Uint8Array(512).fill(1));
    // The RAM disk allocates sectors 256 to 383.
    expect(await port.extents(0, 64)).toEqual([
      { sector: 0, count: 56, hole: true, zero: true },
      { sector: 56, count: 8, hole: false, zero: false },
    ]);
  });

  it('lets go of all in the order they came when suspended, and delays again after resume', async () => {
    await create('chaos:a 0 3000000000 chaos:a 0 20 chaos:a 0 10');
    const running = [
      track('read', port.read(0, 1)),
      track('write', port.write(0, new Uint8Array(512))),
      track('flush', port.flush()),
    ];
    await pass(3);
    await engine.suspend('x');
    await Promise.all(running);
    expect(ended).toEqual([
      ['read', 3],
      ['write', 3],
      ['flush', 3],
    ]);
    const later = track('later', port.write(0, new Uint8Array(512)));
    await pass(50);
    expect(await status()).toBe('0 0 0');
    await engine.resume('x');
    expect(await status()).toBe('0 1 0');
    await pass(20);
    await later;
    expect(ended.at(-1)).toEqual(['later', 73]);
  });

  it('waits for longer than a timer can', async () => {
    await create('chaos:a 0 4294967295');
    const read = track('read', port.read(0, 1));
    clock.advance(4294967294);
    expect(await status()).toBe('1 0 0');
    clock.advance(1);
    await read;
    expect(ended).toEqual([['read', 4294967295]]);
  });

  it('ends what it holds when another table takes over, through the old one', async () => {
    await create('chaos:a 0 1000');
    disks.a.data.fill(1);
    const read = port.read(0, 1);
    await engine.load('x', '0 64 delay chaos:b 0 1000');
    await engine.resume('x');
    expect(await read).toEqual(new Uint8Array(512).fill(1));
    expect(clock.now()).toBe(0);
  });

  it('ends what it holds when the device is removed', async () => {
    await create('chaos:a 0 1000');
    disks.a.data.fill(1);
    const read = port.read(0, 1);
    port.close();
    await engine.remove('x');
    expect(await read).toEqual(new Uint8Array(512).fill(1));
    expect(clock.now()).toBe(0);
  });

  it('ends what it holds when the device is yanked', async () => {
    await create('chaos:a 0 1000');
    disks.a.data.fill(1);
    const read = port.read(0, 1);
    await engine.yank('x');
    expect(await read).toEqual(new Uint8Array(512).fill(1));
    await expect(port.read(0, 1)).rejects.toMatchObject({ code: 'ENODEV' });
    expect(clock.now()).toBe(0);
  });
});

describe('a clock whose timers are early', () => {
  it('sends nothing on before it is due', async () => {
    const clock = new VirtualClock();
    const early: Clock = {
      now: () => clock.now(),
      after: (milliseconds, callback) => clock.after(milliseconds - 0.5, callback),
    };
    const driver = chaosDriver();
    const disk = driver.add('early', { sectors: SECTORS });
    const engine = createEngine({ types: [delay, driver], clock: early });
    await engine.create('x', { table: '0 64 delay chaos:early 0 10' });
    const read = engine.read('x', 0, 1);
    await setImmediate();
    clock.advance(9.9);
    expect(disk.requests).toBe(0);
    clock.advance(0.1);
    await read;
    await engine.close();
  });
});
