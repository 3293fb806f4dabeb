import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Bio, BioOp, bioPool, type Clock, createEngine, type Port, systemClock } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { expect, it } from 'vitest';
import { traceOver } from '../src/trace.ts';

/** Few, so that an object for each fits the young generation: no collection hides any. */
const BIOS_OF_A_PART = 20_000;
/** Enough for the last ones to be compiled. */
const PARTS = 12;
/** Core times some of the calls, and each write takes a little; one boxed number would be 16 bytes for each bio. */
const NOISE = 4;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Each look at the clock is some time later. The time is in a typed array, which takes no room anew. */
function tickingClock(): Clock {
  const time = new Float64Array(1);
  return { now: () => (time[0]! += 0.0123), after: (ms, callback) => systemClock.after(ms, callback) };
}

/** A trace into a file that keeps nothing. */
const trace = traceOver(async () => ({
  write: async (_bytes, _offset, length) => ({ bytesWritten: length }),
  datasync: async () => undefined,
  close: async () => undefined,
  remove: async () => undefined,
}));

const buffer = new Uint8Array(512);

function put(bio: Bio): void {
  bioPool.put(bio);
}

function readOften(port: Port): void {
  for (let i = 0; i < BIOS_OF_A_PART; i++) {
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = (i * 7) % 2048;
    bio.count = 1;
    bio.buffer = buffer;
    bio.end = put;
    port.submit(bio);
  }
}

it.each(['', 'sample=100'])('nothing is allocated for a bio: trace %s', async (options) => {
  const engine = createEngine({ types: [ram, trace], clock: tickingClock() });
  const port = await engine.open('ram:1M');
  const { number } = port.device;
  await engine.attachFilter(number, `trace /the.trace ${options}`);
  const bytes: number[] = [];
  for (let part = 0; part < PARTS; part++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    readOften(port);
    bytes.push((process.memoryUsage().heapUsed - before) / BIOS_OF_A_PART);
    // Lets what was recorded be written.
    await setImmediate();
  }
  expect((await engine.filters(number))[0]!.status).toContain(' dropped=0 ');
  port.close();
  await engine.close();
  expect(Math.min(...bytes)).toBeLessThan(NOISE);
});
