import { BioOp } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Setup } from './support.ts';

const HALF_A_MEBIBYTE = 1024;

describe('when requests go', () => {
  let setup: Setup;

  beforeEach(() => {
    setup = new Setup();
  });

  afterEach(() => setup.stop());

  function sendAll(names: string, send: (name: string) => void): void {
    for (const name of names) send(name);
  }

  it('one after the other at the rate, in the order they came', async () => {
    await setup.start('throttle iops=100 burst=0');
    sendAll('abcde', (name) => setup.read(name));
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@10', 'c@20', 'd@30', 'e@40']);
  });

  it('a third of a second has no end in binary: still each at its time', async () => {
    await setup.start('throttle iops=3 burst=0');
    sendAll('abcdefg', (name) => setup.read(name));
    setup.clock.advance(3000);
    expect(setup.news()).toEqual([
      'a@0',
      'b@333.333',
      'c@666.667',
      'd@1000',
      'e@1333.333',
      'f@1666.667',
      'g@2000',
    ]);
  });

  it('a burst goes at once, then the rate holds; a rest fills it again, never above its size', async () => {
    await setup.start('throttle iops=100 burst=0.03');
    sendAll('abcdef', (name) => setup.read(name));
    setup.clock.advance(100);
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0', 'd@0', 'e@10', 'f@20']);
    setup.clock.advance(60_000);
    sendAll('ghijkl', (name) => setup.read(name));
    setup.clock.advance(100);
    expect(setup.news()).toEqual(['g@60100', 'h@60100', 'i@60100', 'j@60100', 'k@60110', 'l@60120']);
  });

  it('bytes: each pays for itself afterwards, however large', async () => {
    await setup.start('throttle bps=1M burst=0');
    setup.read('a', HALF_A_MEBIBYTE);
    setup.read('b', 2 * HALF_A_MEBIBYTE);
    setup.read('c', 4 * HALF_A_MEBIBYTE);
    setup.read('d');
    setup.clock.advance(10_000);
    expect(setup.news()).toEqual(['a@0', 'b@500', 'c@1500', 'd@3500']);
  });

  it('a request larger than the burst goes, and leaves a debt', async () => {
    await setup.start('throttle bps=1M burst=0.25');
    setup.write('a', 2 * HALF_A_MEBIBYTE);
    setup.write('b');
    setup.clock.advance(749.999);
    expect(setup.news()).toEqual(['a@0']);
    setup.clock.advance(0.001);
    expect(setup.news()).toEqual(['b@750']);
  });

  it('the strictest of several limits holds', async () => {
    await setup.start('throttle iops=100 bps=1M write-iops=10 burst=0');
    setup.write('a');
    setup.write('b');
    setup.clock.advance(1000);
    setup.read('c', HALF_A_MEBIBYTE);
    setup.read('d');
    setup.read('e');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@100', 'c@1000', 'd@1500', 'e@1510']);
  });

  it('each direction has its own limit, and does not wait for the other', async () => {
    await setup.start('throttle read-iops=100 write-iops=10 burst=0');
    sendAll('uvw', (name) => setup.write(name));
    sendAll('abc', (name) => setup.read(name));
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['u@0', 'a@0', 'b@10', 'c@20', 'v@100', 'w@200']);
  });

  it('a shared limit serves both directions in the order in which they came', async () => {
    await setup.start('throttle iops=100 burst=0');
    setup.write('a');
    setup.read('b');
    setup.read('c');
    setup.write('d');
    setup.read('e');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@10', 'c@20', 'd@30', 'e@40']);
  });

  it('a request that comes when an earlier one of the other direction is due, but not sent yet, goes behind it', async () => {
    await setup.start('throttle iops=100 burst=0');
    // Started before the timer of the filter, so it runs before it.
    setup.clock.after(10, () => {
      setup.write('late');
    });
    setup.read('a');
    setup.read('b');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@10', 'late@20']);
  });

  it('a burst is as large as it should be, whatever the rounding', async () => {
    await setup.start('throttle burst=1');
    for (let rate = 1; rate <= 100; rate++) {
      await setup.message(`set iops=${String(rate)}`);
      for (let i = 0; i < rate + 2; i++) setup.read(String(i));
      expect(setup.news()).toHaveLength(rate + 1);
      await setup.message('set iops=0');
      setup.news();
    }
  });

  it('a stream of small requests does not keep a large one of the other direction waiting', async () => {
    await setup.start('throttle bps=1M burst=0');
    let reads = 0;
    const readAgain = (): void => {
      if (reads++ < 100) setup.send('r', BioOp.Read, 1, readAgain);
    };
    readAgain();
    readAgain();
    setup.write('W', HALF_A_MEBIBYTE);
    setup.clock.advance(2);
    // 0.488 ms for a sector: the reads that came before it, then the write.
    expect(setup.news()).toEqual(['r@0', 'r@0.488', 'r@0.977', 'W@1.465']);
  });

  it('what is not limited passes beside what is', async () => {
    await setup.start('throttle write-bps=1K burst=0');
    setup.write('a', 2);
    setup.write('b');
    sendAll('rst', (name) => setup.read(name, 8));
    expect(setup.news()).toEqual(['a@0', 'r@0', 's@0', 't@0']);
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['b@1000']);
  });

  it('a flush waits for nothing, and costs nothing', async () => {
    await setup.start('throttle iops=10 burst=0');
    setup.write('a');
    setup.write('b');
    setup.send('flush', BioOp.Flush);
    expect(setup.news()).toEqual(['a@0', 'flush@0']);
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['b@100']);
  });

  it('discards and write-zeroes are writes without bytes', async () => {
    await setup.start('throttle write-iops=10 bps=1K burst=0');
    setup.send('a', BioOp.Discard, 4096);
    setup.send('b', BioOp.WriteZeroes, 4096);
    setup.write('c', 1);
    setup.send('d', BioOp.Discard, 4096);
    setup.clock.advance(2000);
    // The discard waits for the half second that the sector before it cost.
    expect(setup.news()).toEqual(['a@0', 'b@100', 'c@200', 'd@700']);
  });

  it.each([
    ['throttle iops=700 burst=0', 1, 700],
    ['throttle iops=700', 1, 700],
    ['throttle iops=33333', 1, 33_333],
    ['throttle bps=1000000', 3, 1_000_000 / 1536],
    ['throttle iops=500 bps=10M burst=0.5', 16, 500],
  ])('%s: in the long run exactly so much passes', async (spec, count, rate) => {
    await setup.start(spec);
    let passed = 0;
    const again = (): void => {
      passed++;
      if (setup.port.isOpen) setup.send('', BioOp.Read, count, again);
    };
    for (let depth = 0; depth < 8; depth++) setup.send('', BioOp.Read, count, again);
    // What a burst lets through is gone after a while.
    setup.clock.advance(2000);
    const before = passed;
    setup.clock.advance(3000);
    expect(Math.abs(passed - before - rate * 3)).toBeLessThanOrEqual(1);
  });

  it('sleeps until a request is due, with one timer, and not at all when nothing is held', async () => {
    await setup.start('throttle iops=10 burst=0');
    const idle = setup.clock.pending;
    setup.read('a');
    expect(setup.clock.pending).toBe(idle);
    sendAll('bcd', (name) => setup.read(name));
    sendAll('efg', (name) => setup.write(name));
    expect(setup.clock.pending).toBe(idle + 1);
    setup.clock.advance(1000);
    expect(setup.news()).toHaveLength(7);
    expect(setup.clock.pending).toBe(idle);
  });

  it('a wait that is longer than a timer can be is done in several', async () => {
    await setup.start('throttle bps=1 burst=0');
    const longest = 2 ** 31 - 1;
    const after = vi.spyOn(setup.clock, 'after');
    setup.read('a', 8192);
    setup.read('b');
    setup.clock.advance(4_194_304_000);
    expect(after.mock.calls.map(([milliseconds]) => milliseconds)).toEqual([
      longest,
      4_194_304_000 - longest,
    ]);
    expect(setup.news()).toEqual(['a@0', 'b@4194304000']);
  });
});
