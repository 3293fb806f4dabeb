import { BioOp, Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { LogNormal } from '../src/latency.ts';
import { flipBits } from '../src/rot.ts';
import { streamOf } from '../src/streams.ts';
import { Setup } from './support.ts';

/** The share of so many draws lies so near what it should be that it is farther away once in 15,000 times: the seeds are fixed. */
function expectShare(hits: number, draws: number, share: number): void {
  const deviation = Math.sqrt(draws * share * (1 - share));
  expect(Math.abs(hits - draws * share)).toBeLessThan(4 * deviation);
}

describe('random faults', () => {
  it.each([
    [0.5, 1],
    [0.01, 2],
    [0.001, 3],
    [0.9, 4],
  ])('probability=%d with seed %i', async (probability, seed) => {
    const setup = await new Setup().start(`seed=${seed} on read probability=${probability} do error`);
    const reads = await setup.reads(20_000);
    expectShare(reads.split('').filter((read) => read === 'x').length, 20_000, probability);
    await setup.stop();
  });

  it.each([
    [1, 10],
    [5, 5.5],
    [0.2, 900],
  ])('latency p50=%d p99=%d: half of them and 99 of 100 take less', (p50, p99) => {
    const distribution = new LogNormal(p50, p99);
    const random = new Random(1);
    const times = Array.from({ length: 100_000 }, () => distribution.draw(random));
    expectShare(times.filter((time) => time < p50).length, times.length, 0.5);
    expectShare(times.filter((time) => time < p99).length, times.length, 0.99);
    // Log-normal: what is true of the 84.13th percentile follows from the two points.
    const sigma = Math.log(p99 / p50) / 2.3263478740408408;
    expectShare(times.filter((time) => time < p50 * Math.exp(sigma)).length, times.length, 0.841_344_746);
  });

  it('latency of requests, at the end that a client sees', async () => {
    const setup = await new Setup().start('seed=8 on read do latency p50=10 p99=100');
    const times: number[] = [];
    for (let i = 0; i < 5000; i++) void setup.send({ op: BioOp.Read }).then(({ at }) => times.push(at));
    setup.clock.advance(1e7);
    await new Promise((resolve) => setImmediate(resolve));
    expect(times).toHaveLength(5000);
    // Timers are rounded up to whole milliseconds.
    expectShare(times.filter((time) => time <= 10).length, 5000, 0.5);
    expectShare(times.filter((time) => time <= 100).length, 5000, 0.99);
    await setup.stop();
  });

  it('a torn write ends as often at each boundary', async () => {
    const setup = await new Setup({ sectors: 16 }).start('seed=2 on write do torn');
    const kept = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      setup.disk.data.fill(0);
      await setup.write(0, 4, 1);
      kept[
        setup
          .versions(0, 4)
          .split('')
          .filter((version) => version === 'b').length
      ]!++;
    }
    for (const count of kept) expectShare(count, 4000, 0.25);
    await setup.stop();
  });

  it('bits rot as often in each part of a request', () => {
    const random = new Random(3);
    const parts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const bytes = new Uint8Array(32);
      flipBits(bytes, 0, 32, { bits: 1, at: undefined }, random);
      parts[Math.floor(bytes.findIndex((byte) => byte !== 0) / 8)]!++;
    }
    for (const count of parts) expectShare(count, 4000, 0.25);
  });

  it('streams of neighbours have nothing in common', () => {
    const draws = (seed: number, id: number): number[] => {
      const random = streamOf(seed, id);
      return Array.from({ length: 1000 }, () => random.next());
    };
    const all = [draws(1, 1), draws(1, 2), draws(2, 1), draws(0, 0), draws(0, 1), draws(4294967295, 1)];
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) {
        const common = one.filter((draw) => other.includes(draw));
        expect(common).toEqual([]);
        const sum = one.reduce((total, draw, i) => total + (draw - 0.5) * (other[i]! - 0.5), 0);
        // The product of two independent draws has a deviation of 1/12.
        expect(Math.abs(sum)).toBeLessThan((4 * Math.sqrt(1000)) / 12);
      }
    }
  });
});
