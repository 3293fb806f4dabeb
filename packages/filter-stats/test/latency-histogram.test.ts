import { Random } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../src/latency-histogram.ts';

const HOUR = 3600e9;
const PER_MILLES = [1, 10, 250, 500, 900, 990, 999, 1000];

/** Random latencies of some kind, in whole nanoseconds. */
const kinds: Readonly<Record<string, (random: Random) => number>> = {
  'all alike': () => 12_345,
  short: (random) => random.below(40),
  microseconds: (random) => random.between(1_000, 99_000),
  'of every magnitude': (random) => Math.floor(2 ** (random.next() * 46)),
  'around powers of two': (random) => Math.max(0, 2 ** random.between(0, 45) + random.between(-1, 1)),
  'fast with a slow tail': (random) => (random.chance(0.01) ? random.below(60e9) : random.below(2e5)),
};

function histogramOf(latencies: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const latency of latencies) histogram.add(latency);
  return histogram;
}

describe('a latency histogram', () => {
  describe.each(Object.entries(kinds))('of latencies that are %s', (_, draw) => {
    it.each([1, 2, 3, 10, 999, 5000])('agrees with %i of them sorted', (count) => {
      const random = new Random(count);
      const latencies = Array.from({ length: count }, () => draw(random));
      const sorted = latencies.toSorted((a, b) => a - b);
      const histogram = histogramOf(latencies);
      for (const perMille of PER_MILLES) {
        const exact = sorted[Math.max(0, Math.ceil((count * perMille) / 1000) - 1)]!;
        const found = histogram.percentile(perMille);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found - exact).toBeLessThanOrEqual(exact / 16);
      }
      expect(histogram.count).toBe(count);
      expect(histogram.longest).toBe(sorted.at(-1));
      expect(histogram.percentile(1000)).toBe(sorted.at(-1));
      expect(histogram.mean).toBeCloseTo(latencies.reduce((sum, latency) => sum + latency, 0) / count);
    });

    it('puts each into one bucket that holds it', () => {
      const random = new Random(7);
      for (let i = 0; i < 500; i++) {
        const latency = draw(random);
        const histogram = histogramOf([latency, 40 * HOUR]);
        const [bucket, last] = histogram.buckets();
        expect(bucket!.bios + last!.bios).toBe(2);
        expect(latency).toBeGreaterThanOrEqual(bucket!.least);
        expect(latency).toBeLessThanOrEqual(bucket!.most);
      }
    });
  });

  it('has buckets that follow on one another without a gap', () => {
    const edges: number[] = [];
    for (let latency = 0; latency < 2 ** 47;) {
      const [bucket] = histogramOf([latency, 40 * HOUR]).buckets();
      expect(bucket!.least).toBe(latency);
      edges.push(latency);
      latency = bucket!.most === 40 * HOUR ? Infinity : bucket!.most + 1;
    }
    expect(edges).toHaveLength(704);
  });

  it('takes what is longer than its last bucket', () => {
    const histogram = histogramOf([1000, 50 * HOUR, 90 * HOUR]);
    expect(histogram.longest).toBe(90 * HOUR);
    expect(histogram.percentile(999)).toBe(90 * HOUR);
    expect(histogram.buckets().at(-1)).toMatchObject({ most: 90 * HOUR, bios: 2 });
  });

  it('is all zeroes when it is empty or cleared', () => {
    const histogram = new LatencyHistogram();
    const figures = (): unknown => [
      histogram.count,
      histogram.sum,
      histogram.mean,
      histogram.longest,
      histogram.percentile(500),
      histogram.buckets(),
    ];
    const empty = figures();
    expect(empty).toEqual([0, 0, 0, 0, 0, []]);
    histogram.add(5e9);
    expect(figures()).not.toEqual(empty);
    histogram.clear();
    expect(figures()).toEqual(empty);
  });
});
