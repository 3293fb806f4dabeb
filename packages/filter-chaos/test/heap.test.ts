import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { chaos } from '../src/index.ts';

it.each([
  '',
  'on write do error',
  'seed=1 on read sectors=3000+10 do error on read state=other do stall on read flags=fua do error on read nth=1000000000 do error on read do pass',
])('nothing is allocated for a bio that passes: chaos %s', async (args) => {
  expect((await heapUse(chaos, { args, parts: 4 })).allocated).toBeLessThan(4);
});
