import { heapUse } from '@interposer/conformance';
import { BioOp } from '@interposer/core';
import { expect, it } from 'vitest';
import { volatile } from '../src/index.ts';

it.each([
  ['a read of what is not cached', BioOp.Read, ''],
  ['a write that is cached, which makes an older one go below', BioOp.Write, 'size=1M'],
] as const)('nothing is allocated for %s', async (_, op, args) => {
  const { allocated, kept } = await heapUse(volatile, { op, args, parts: 3 });
  expect(allocated).toBeLessThan(4);
  expect(kept).toBeLessThan(4);
});
