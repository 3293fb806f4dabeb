import { expect, it } from 'vitest';
import { seededRandom } from '../src/seeded-random.ts';

it('gives the same numbers for the same seed', () => {
  const [one, same, other] = [seededRandom(7), seededRandom(7), seededRandom(8)];
  const numbers = Array.from({ length: 1000 }, one);
  expect(numbers).toEqual(Array.from({ length: 1000 }, same));
  expect(numbers).not.toEqual(Array.from({ length: 1000 }, other));
});

it('gives numbers from 0 up to 1, as many in each part', () => {
  const random = seededRandom(0xffffffff);
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 16000; i++) counts[Math.floor(random() * 16)]!++;
  // Six deviations of a binomial distribution.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(6 * Math.sqrt(1000));
});
