import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { dustFilter } from '../src/index.ts';

it('nothing is allocated for a bio that passes', async () => {
  expect((await heapUse(dustFilter, { args: '65536', parts: 3 })).allocated).toBeLessThan(4);
});
