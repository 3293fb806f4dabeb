import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { flakeyFilter } from '../src/index.ts';

it.each(['4294967294 1', '0 1 5 corrupt_bio_byte 1 r 0 1'])(
  'nothing is allocated for a bio that passes: flakey %s',
  async (args) => {
    expect((await heapUse(flakeyFilter, { args, parts: 3 })).allocated).toBeLessThan(4);
  },
);
