import { heapUse } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { access } from '../src/index.ts';

it.each(['', 'ro deny:4095+1 deny:2050+1 worm:100+50'])(
  'nothing is allocated for a bio that passes: access %s',
  async (args) => {
    const { allocated, status } = await heapUse(access, { args });
    expect(allocated).toBeLessThan(4);
    expect(status).toContain('refused=0 ');
  },
);
