import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { throttle } from '../src/index.ts';

it.each(['', 'iops=1000000 read-bps=1000G'])(
  'nothing is allocated for a bio that passes: throttle %s',
  async (args) => {
    expect((await heapUse(throttle, { args })).allocated).toBeLessThan(4);
  },
);
