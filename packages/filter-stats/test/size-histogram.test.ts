import { expect, it } from 'vitest';
import { SizeHistogram } from '../src/size-histogram.ts';

it.each([0, 1, 2, 3, 10, 29, 30, 31, 32, 33, 40, 52])('divides sizes at 2^%i', (power) => {
  const sizes = new SizeHistogram();
  const edge = 2 ** power;
  const last = edge * 2 - 1;
  sizes.add(edge);
  sizes.add(last);
  expect(sizes.buckets()).toEqual([{ least: edge, most: last, bios: 2 }]);
});
