import { heapUse } from '@interposer/conformance';
import { BioOp } from '@interposer/core';
import { expect, it } from 'vitest';
import { dirty } from '../src/index.ts';

it.each([
  ['write', BioOp.Write],
  ['discard', BioOp.Discard],
])('the filter dirty allocates nothing for a %s', async (_name, op) => {
  const { allocated, kept } = await heapUse(dirty, { args: 'granularity=512', op });
  expect(allocated).toBeLessThan(4);
  expect(kept).toBeLessThan(0.5);
});
