import { expect, it } from 'vitest';
import { Random } from '../src/random.ts';

it('gives the same numbers for the same seed', () => {
  const numbersOf = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 1000 }, () => random.next());
  };
  expect(numbersOf(7)).toEqual(numbersOf(7));
  expect(numbersOf(7)).not.toEqual(numbersOf(8));
});

it('gives numbers from 0 up to 1, as many in each part', () => {
  const random = new Random(0xffffffff);
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 16000; i++) counts[Math.floor(random.next() * 16)]!++;
  // Six deviations of a binomial distribution.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(6 * Math.sqrt(1000));
});
