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
  EndResult,
  type FilterType,
  type Port,
  PreResult,
  systemClock,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { expect, it } from 'vitest';
import { stats } from '../src/index.ts';

/** Few, so that an object for each fits the young generation: no collection hides any. */
const BIOS_OF_A_PART = 20_000;
/** A million bios; for the filters it is compared to a few are enough. */
const PARTS = 50;
const PARTS_TO_COMPARE = 5;
/** Asking for the size of the heap takes some bytes itself; a boxed number would be 16 for each bio. */
const NOISE = 0.5;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Each look at the clock is some time later. The time is in a typed array, which takes no room anew. */
function tickingClock(): Clock {
  const time = new Float64Array(1);
  return { now: () => (time[0]! += 0.0123), after: (ms, callback) => systemClock.after(ms, callback) };
}

/** Looks at each bio both ways, as any filter that watches. */
function watching(name: string, look: (bio: Bio) => void): FilterType {
  return defineFilter({
    name,
    version: [1, 0, 0],
    altitude: '1',
    ops: ALL_OPS,
    params: [],
    attach: () => ({
      pre(bio) {
        look(bio);
        return PreResult.Watch;
      },
      post: () => EndResult.Done,
      table: () => '',
    }),
  });
}

const leftovers: object[] = [];
const idle = watching('idle', () => {});
const wasteful = watching('wasteful', (bio) => {
  leftovers[0] = { bio };
});

function put(bio: Bio): void {
  bioPool.put(bio);
}

const buffer = new Uint8Array(512);

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

interface Bytes {
  readonly allocated: number;
  readonly kept: number;
}

function heapPart(port: Port): Bytes {
  collect();
  const before = process.memoryUsage().heapUsed;
  readOften(port);
  const allocated = process.memoryUsage().heapUsed - before;
  collect();
  return { allocated, kept: process.memoryUsage().heapUsed - before };
}

/** For each bio, of the part that took least: the compiler allocates at times, too. */
async function bytesPerBio(filter: string, parts: number): Promise<Bytes> {
  const engine = createEngine({ types: [ram, stats, idle, wasteful], clock: tickingClock() });
  const port = await engine.open('ram:1M');
  await engine.attachFilter(port.device.number, filter);
  // Until it is compiled.
  for (let part = 0; part < 5; part++) readOften(port);
  const taken = Array.from({ length: parts }, () => heapPart(port));
  port.close();
  await engine.close();
  const least = (key: keyof Bytes): number => Math.min(...taken.map((part) => part[key])) / BIOS_OF_A_PART;
  return { allocated: least('allocated'), kept: least('kept') };
}

// Core times some of the calls, whatever the filter; the difference is the filter's own.
it('the filter stats allocates nothing for a bio, and a filter that does is found out', async () => {
  const nothing = await bytesPerBio('idle', PARTS_TO_COMPARE);
  const own = await bytesPerBio('stats', PARTS);
  const object = await bytesPerBio('wasteful', PARTS_TO_COMPARE);
  expect(own.allocated - nothing.allocated).toBeLessThan(NOISE);
  expect(own.kept).toBeLessThan(NOISE);
  expect(object.allocated - nothing.allocated).toBeGreaterThan(10);
});
