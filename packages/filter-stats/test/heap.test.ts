import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { stats } from '../src/index.ts';

it('the filter stats allocates nothing for a bio, of a million', async () => {
  const { allocated, kept } = await heapUse(stats, { parts: 50 });
  expect(allocated).toBeLessThan(0.5);
  expect(kept).toBeLessThan(0.5);
});
