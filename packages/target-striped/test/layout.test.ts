import type { Extent } from '@interposer/core';
import { Random } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { interleave } from '../src/interleave.ts';
import { type Layout, layoutOf } from '../src/layout.ts';

/** Layouts small and large, with and without powers of two. */
const layouts = [
  [2, 128, 2 ** 40],
  [3, 24, 12_345_678_901],
  [5, 1, 2 ** 50],
  [1, 16, 1000],
  [7, 2 ** 31 + 3, 1_000_000],
  [1000, 3, 2 ** 41],
].map(([stripes = 0, chunk = 0, chunks = 0]) => {
  const turns = Math.min(chunks, Math.floor(Number.MAX_SAFE_INTEGER / stripes / chunk));
  return layoutOf(turns * stripes * chunk, stripes, chunk);
});

function sectorsOf({ stripes, chunk, share }: Layout, random: Random): number[] {
  const size = stripes * share;
  const edges = [0, 1, chunk - 1, chunk, chunk * stripes - 1, size - chunk, size - 1];
  const anywhere = Array.from({ length: 200 }, () => Math.floor(random.next() * size));
  return [...edges, ...anywhere].filter((sector) => sector >= 0 && sector < size);
}

describe.each(layouts.map((layout) => [`${layout.stripes} by ${layout.chunk}`, layout] as const))(
  'layout %s',
  (_, layout) => {
    it('puts each sector where whole-number arithmetic does, up to the largest', () => {
      const [n, c] = [BigInt(layout.stripes), BigInt(layout.chunk)];
      for (const sector of sectorsOf(layout, new Random(1))) {
        const chunk = BigInt(sector) / c;
        expect(layout.stripeOf(sector)).toBe(Number(chunk % n));
        expect(layout.sectorOf(sector)).toBe(Number((chunk / n) * c + (BigInt(sector) % c)));
        expect(layout.rowSectorOf(layout.stripeOf(sector), layout.sectorOf(sector))).toBe(sector);
      }
    });

    it('gives every stripe its share of a range, without loss', () => {
      for (const sector of sectorsOf(layout, new Random(2))) {
        let sum = 0;
        for (let stripe = 0; stripe < layout.stripes; stripe++) sum += layout.shareBefore(sector, stripe);
        expect(sum).toBe(sector);
        const own = layout.stripeOf(sector);
        expect(layout.shareBefore(sector, own)).toBe(layout.sectorOf(sector));
        expect(layout.shareBefore(sector + 1, own)).toBe(layout.sectorOf(sector) + 1);
      }
    });
  },
);

describe('extents of a row', () => {
  it('tell of each sector what its stripe tells', () => {
    const random = new Random(3);
    for (let round = 0; round < 50; round++) {
      const stripes = 1 + random.below(4);
      const layout = layoutOf(stripes * 60, stripes, random.pick([1, 3, 4, 20, 60]));
      const [first, end] = [random.below(30), 31 + random.below(stripes * 60 - 31)];
      const holes = Array.from({ length: stripes }, () =>
        Array.from({ length: 60 }, () => random.chance(0.2)),
      );
      const below = holes.map((bits, stripe) => {
        const start = layout.shareBefore(first, stripe);
        return bits
          .slice(start, layout.shareBefore(end, stripe))
          .map((hole, index): Extent => ({ sector: start + index, count: 1, hole, zero: hole }));
      });
      const found = interleave(layout, below, first, end).flatMap(({ sector, count, hole }) =>
        Array.from({ length: count }, (_, index) => [sector + index, hole]),
      );
      const expected = Array.from({ length: end - first }, (_, index) => {
        const sector = first + index;
        return [sector, holes[layout.stripeOf(sector)]![layout.sectorOf(sector)]];
      });
      expect(found).toEqual(expected);
    }
  });

  it('are one where all stripes are alike, however many chunks there are', () => {
    const layout = layoutOf(2 ** 42, 4, 1);
    const all = Array.from({ length: 4 }, () => [{ sector: 0, count: 2 ** 40, hole: true, zero: true }]);
    expect(interleave(layout, all, 0, 2 ** 42)).toEqual([
      { sector: 0, count: 2 ** 42 - 3, hole: true, zero: true },
      { sector: 2 ** 42 - 3, count: 1, hole: true, zero: true },
      { sector: 2 ** 42 - 2, count: 1, hole: true, zero: true },
      { sector: 2 ** 42 - 1, count: 1, hole: true, zero: true },
    ]);
  });
});
