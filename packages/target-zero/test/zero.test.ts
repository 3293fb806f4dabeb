import { BioOp, bioPool, createEngine, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { kernelIo, kernelLimits, kernelRefusals } from '../../conformance/test/kernel/suite.ts';
import { zero } from '../src/index.ts';

kernelIo([zero], (name) => name === 'zero');
kernelRefusals([zero], 'zero-error-arguments');
kernelLimits([zero]);

describe('zero', () => {
  it('fills the data window of a read and nothing around it', async () => {
    const engine = createEngine({ types: [zero] });
    await engine.create('x', { table: '0 8 zero' });
    const port = await engine.open('x');
    const buffer = new Uint8Array(4 * 512).fill(0xaa);
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = 6;
    bio.count = 2;
    bio.buffer = buffer;
    bio.bufferOffset = 512;
    const status = await new Promise<Status>((resolve) => {
      bio.end = (done) => {
        resolve(done.status);
        bioPool.put(done);
      };
      port.submit(bio);
    });
    expect(status).toBe(Status.Ok);
    expect(buffer.subarray(512, 1536).every((byte) => byte === 0)).toBe(true);
    expect([...buffer.subarray(0, 512), ...buffer.subarray(1536)].every((byte) => byte === 0xaa)).toBe(true);
    port.close();
    await engine.close();
  });

  it('is one hole, whatever was written', async () => {
    const engine = createEngine({ types: [zero] });
    await engine.create('x', { table: '0 17179869120 zero' });
    await engine.write('x', 17179869119, new Uint8Array(512).fill(1));
    expect(await engine.extents('x', 0, 17179869120)).toEqual([
      { sector: 0, count: 17179869120, hole: true, zero: true },
    ]);
    expect(await engine.read('x', 17179869119, 1)).toEqual(new Uint8Array(512));
    await engine.close();
  });

  it('does not offer write-zeroes', async () => {
    const engine = createEngine({ types: [zero] });
    await engine.create('x', { table: '0 8 zero' });
    await expect(engine.zero('x', 0, 8)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await engine.close();
  });
});
