import { BioOp } from '@interposer/core';
import { Random } from '@interposer/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

describe('the latency that the filter stats shows', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = new Setup();
    await setup.start();
  });

  afterEach(() => setup.stop());

  it('is the time between the two ends of each bio', async () => {
    setup.disk.hold();
    setup.send(BioOp.Read, 0, 1);
    setup.clock.advance(3);
    setup.send(BioOp.Read, 1, 1);
    setup.send(BioOp.Flush, 0, 0);
    setup.clock.advance(0.25);
    setup.disk.release();
    const { read, flush, write } = (await setup.report()).operations;
    expect(read!.latency).toMatchObject({ sum: 3.5e6, mean: 1.75e6, max: 3.25e6, p90: 3.25e6 });
    expect(flush!.latency).toMatchObject({ sum: 250_000, max: 250_000, p50: 250_000 });
    expect(write!.latency).toMatchObject({ sum: 0, mean: 0, max: 0, p50: 0, buckets: [] });
    expect(await setup.status()).toMatch(/^2 2 4 0 0 /);
  });

  it('is right for a bio that takes days', async () => {
    const day = 24 * 3600;
    setup.disk.hold();
    setup.send(BioOp.Write, 0, 1);
    setup.clock.advance(30 * day * 1000);
    setup.send(BioOp.Write, 1, 1);
    setup.clock.advance(1);
    setup.disk.release();
    const { write } = (await setup.report()).operations;
    expect(write!.latency).toMatchObject({ max: 30 * day * 1e9 + 1e6, sum: 30 * day * 1e9 + 2e6 });
    expect(write!.latency.p50! / 1e6).toBeCloseTo(1, 1);
  });

  it('follows the disk, whatever the order in which it answers', async () => {
    const random = new Random(5);
    const expected: number[] = [];
    setup.disk.hold();
    const starts: number[] = [];
    for (let i = 0; i < 2000; i++) {
      setup.send(BioOp.Read, i % 1024, 1);
      starts.push(setup.clock.now());
      setup.clock.advance(random.next());
      if (!random.chance(0.6)) continue;
      const index = random.below(setup.disk.held.length);
      // The one that is picked comes first in the queue.
      setup.disk.held.unshift(...setup.disk.held.splice(index, 1));
      setup.disk.releaseOne();
      expected.push(Math.round((setup.clock.now() - starts.splice(index, 1)[0]!) * 1e6));
    }
    const { read } = (await setup.report()).operations;
    const sorted = expected.toSorted((a, b) => a - b);
    expect(read!.bios).toBe(expected.length);
    expect(read!.latency.max).toBe(sorted.at(-1));
    for (const [name, share] of [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
    ] as const) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
      expect(read!.latency[name]! / exact).toBeGreaterThanOrEqual(1);
      expect(read!.latency[name]! / exact).toBeLessThan(1 + 1 / 16);
    }
    setup.disk.release();
  });
});
