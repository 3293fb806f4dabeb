import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { traceOver } from '../src/trace.ts';

/** A trace into a file that keeps nothing. */
const trace = traceOver(async () => ({
  write: async (_bytes, _offset, length) => ({ bytesWritten: length }),
  datasync: async () => undefined,
  close: async () => undefined,
  remove: async () => undefined,
}));

it.each(['', 'sample=100'])('nothing is allocated for a bio: trace %s', async (options) => {
  const { allocated, status } = await heapUse(trace, { args: `/the.trace ${options}` });
  expect(status).toContain(' dropped=0 ');
  expect(allocated).toBeLessThan(4);
});
