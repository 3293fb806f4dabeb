import { createEngine } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { describe, expect, it } from 'vitest';
import { kernelIo, kernelLimits, kernelRefusals } from '../../conformance/test/kernel/suite.ts';
import { linear } from '../src/index.ts';

kernelIo([linear], (name) => name.startsWith('linear-'));

kernelRefusals([linear], 'linear-arguments');

kernelRefusals([linear], 'alignment-4096');

kernelLimits([linear]);

describe('claims', () => {
  it('refuses a device that somebody else has for himself, and takes it with noexcl', async () => {
    const engine = createEngine({ types: [linear, ram] });
    await engine.create('disk', { table: '0 64 linear ram:64s 0' });
    const port = await engine.open('disk', { claim: 'exclusive', holder: 'somebody' });
    await expect(engine.create('x', { table: '0 64 linear disk 0' })).rejects.toMatchObject({
      code: 'EBUSY',
      message: expect.stringContaining('exclusive claim of somebody'),
    });
    await expect(engine.create('x', { table: '0 64 linear disk 0 excl' })).rejects.toMatchObject({
      code: 'EBUSY',
    });
    await engine.create('x', { table: '0 64 linear disk 0 noexcl' });
    const number = engine.devices().find(({ name }) => name === 'disk')?.number;
    expect(await engine.table('x')).toEqual([
      { start: 0, length: 64, type: 'linear', params: `${number!} 0` },
    ]);
    port.close();
    await engine.close();
  });
});

describe('extents', () => {
  it('are those below, moved to where the row is', async () => {
    const engine = createEngine({ types: [linear, ram] });
    await engine.create('disk', { table: '0 1024 linear ram:1024s 0' });
    await engine.write('disk', 256, new Uint8Array(512).fill(1));
    await engine.create('x', { table: '0 10 linear disk 0\n10 500 linear disk 200' });
    expect(await engine.extents('x', 0, 510)).toEqual([
      { sector: 0, count: 66, hole: true, zero: true },
      { sector: 66, count: 128, hole: false, zero: false },
      { sector: 194, count: 316, hole: true, zero: true },
    ]);
    await engine.close();
  });
});
