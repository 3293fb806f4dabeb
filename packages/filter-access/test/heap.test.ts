import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ALL_OPS,
  type Bio,
  BioOp,
  bioPool,
  type Clock,
  createEngine,
  defineFilter,
  type FilterType,
  type Port,
  PreResult,
  systemClock,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { expect, it } from 'vitest';
import { access } from '../src/index.ts';

const PARTS = 8;
const BIOS_OF_A_PART = 20_000;
/** Asking for the size of the heap, and the calls that core times, take some bytes; a boxed number for each bio would be 16. */
const NOISE = 4;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Each look at the clock is some time later. The time is in a typed array, which takes no room anew. */
function tickingClock(): Clock {
  const time = new Float64Array(1);
  return { now: () => (time[0]! += 0.0123), after: (ms, callback) => systemClock.after(ms, callback) };
}

function filterOf(name: string, pre: (bio: Bio) => PreResult): FilterType {
  return defineFilter({
    name,
    version: [1, 0, 0],
    altitude: '1',
    ops: ALL_OPS,
    params: [],
    attach: () => ({ pre, table: () => '' }),
  });
}

const leftovers: object[] = [];
const idle = filterOf('idle', () => PreResult.Pass);
/** Shows that the measurement sees an object for each bio. */
const wasteful = filterOf('wasteful', (bio) => {
  leftovers[0] = { bio };
  return PreResult.Pass;
});

function put(bio: Bio): void {
  bioPool.put(bio);
}

const buffer = new Uint8Array(512);

function readOften(port: Port): void {
  for (let i = 0; i < BIOS_OF_A_PART; i++) {
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = 8 + ((i * 7) % 2032);
    bio.count = 1;
    bio.buffer = buffer;
    bio.end = put;
    port.submit(bio);
  }
}

function bytesOfPart(port: Port): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  readOften(port);
  return process.memoryUsage().heapUsed - before;
}

/** For each bio, of the part that took least: the compiler allocates at times, too. */
async function bytesPerBio(filter: string): Promise<number> {
  const engine = createEngine({ types: [ram, access, idle, wasteful], clock: tickingClock() });
  const port = await engine.open('ram:1M');
  await engine.attachFilter(port.device.number, filter);
  for (let part = 0; part < 8; part++) readOften(port);
  const parts = Array.from({ length: PARTS }, () => bytesOfPart(port));
  port.close();
  await engine.close();
  return Math.min(...parts) / BIOS_OF_A_PART;
}

// Core times some of the calls, whatever the filter; the difference is the filter's own.
it('the filter access allocates nothing for a bio that passes, and a filter that does is found out', async () => {
  const nothing = await bytesPerBio('idle');
  expect((await bytesPerBio('access')) - nothing).toBeLessThan(NOISE);
  expect((await bytesPerBio('access ro deny:2047+1 deny:4+1 worm:100+50')) - nothing).toBeLessThan(NOISE);
  expect((await bytesPerBio('wasteful')) - nothing).toBeGreaterThan(10);
});
