import { ALL_OPS, createEngine, defineTarget, MapResult } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { kernelIo, kernelLimits, kernelRefusals } from '../../conformance/test/kernel/suite.ts';
import { error } from '../src/index.ts';

kernelIo([error], (name) => name === 'error' || name === 'error-with-device-args');
kernelRefusals([error], 'zero-error-arguments');
kernelLimits([error]);

const immutable = defineTarget({
  name: 'rock',
  version: [1, 0, 0],
  ops: ALL_OPS,
  features: { immutable: true },
  params: [],
  create: () => ({ map: () => MapResult.Kill, areas: () => [], table: () => '' }),
});

describe('error', () => {
  it('does not offer write-zeroes', async () => {
    const engine = createEngine({ types: [error] });
    await engine.create('x', { table: '0 8 error' });
    await expect(engine.zero('x', 0, 8)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await engine.close();
  });

  it('takes the place of an immutable target', async () => {
    const engine = createEngine({ types: [error, immutable] });
    await engine.create('x', { table: '0 8 rock' });
    await engine.load('x', '0 8 error');
    await engine.resume('x');
    expect(await engine.table('x')).toEqual([{ start: 0, length: 8, type: 'error', params: '' }]);
    await engine.close();
  });
});
