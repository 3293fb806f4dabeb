import process from 'node:process';
import { bioPool } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { ChaosMirror, SECTORS } from './chaos-mirror.ts';
import { ChaosRun } from './chaos-run.ts';

// Legs fail, stall, come late and return rubbish under load, and are replaced while the load goes on.
const RUNS = Array.from(
  { length: Number(process.env.INTERPOSER_CHAOS_RUNS ?? '2') },
  (_, index) => index + 1,
);
const REPLACEMENTS = 3;

describe.each([
  { log: 'core', legs: 2, features: ' 1 handle_errors' },
  { log: 'disk', legs: 2, features: ' 1 handle_errors' },
  { log: 'disk', legs: 2, features: ' 2 handle_errors keep_log' },
  { log: 'disk', legs: 3, features: ' 1 handle_errors' },
  { log: 'core', legs: 3, features: ' 2 handle_errors keep_log' },
  { log: 'disk', legs: 3, features: '' },
] as const)('$log log, $legs legs,$features', (setup) => {
  it.each(RUNS)('no wrong data is read, and legs are replaced in use, run %i', async (seed) => {
    const outstanding = bioPool.outstanding;
    const run = new ChaosRun({ ...setup, seed });
    await run.start();
    for (let i = 0; i < REPLACEMENTS; i++) await run.replace();
    await run.end();
    expect(run.requests).toBeGreaterThan(100);
    expect(run.replaced).toBeGreaterThan(0);
    // One of two legs always works: nobody notices anything but time.
    if (setup.legs === 2) expect(run.failures).toBe(0);
    expect([run.mirror.clock.pending, bioPool.outstanding]).toEqual([0, outstanding]);
  });
});

describe('a leg that returns rubbish and says nothing of it', () => {
  it.each([
    [true, 'is found out by a layer that checks: another leg answers', 'RA'],
    [false, 'is not noticed without such a layer', 'AA'],
  ])('%s: %s', async (checks, _, letters) => {
    const mirror = new ChaosMirror(1);
    const legs = [await mirror.leg(1, checks), await mirror.leg(1, checks)];
    await mirror.create('core 2 8 nosync', legs, '');
    await legs[0]!.disturb('on read once do rot');
    const data = await mirror.wait(mirror.engine.read('m', 0, SECTORS));
    expect(Buffer.compare(data, legs[1]!.disk.data) === 0).toBe(checks);
    expect(await mirror.letters()).toBe(letters);
    await mirror.end();
  });
});
