import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { spanTarget } from '@interposer/conformance';
import {
  type Bio,
  BioOp,
  bioPool,
  createEngine,
  defineDriver,
  type Engine,
  makeLimits,
  MapResult,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { snapshot, snapshotOrigin } from '../src/index.ts';

const SECTORS = 4096;
const BIOS_OF_A_PART = 10_000;
const FIRST_PARTS = 8;
const PARTS = 3;

const buffer = Buffer.alloc(SECTOR_SIZE);
let engine: Engine;

/** Devices without data that answer at once. */
const nullDriver = defineDriver({
  name: 'null',
  version: [1, 0, 0],
  schemes: ['null'],
  major: 1,
  identify: (spec) => Promise.resolve(spec),
  open: () =>
    Promise.resolve({
      limits: makeLimits(2 * SECTORS),
      submit(bio: Bio) {
        bio.complete(Status.Ok);
        return MapResult.Submitted;
      },
      close: () => Promise.resolve(),
    }),
});

beforeEach(async () => {
  engine = createEngine({ types: [snapshot, snapshotOrigin, spanTarget, nullDriver] });
  await engine.create('s', { table: `0 ${String(SECTORS)} snapshot null:disk null:store N 8` });
  await engine.create('o', { table: `0 ${String(SECTORS)} snapshot-origin null:disk` });
  await engine.create('plain', { table: `0 ${String(SECTORS)} span null:plain 0` });
  // The first half is copied out.
  await engine.write('o', 0, Buffer.alloc((SECTORS / 2) * SECTOR_SIZE));
});

afterEach(() => engine.close());

function putBack(bio: Bio): void {
  bioPool.put(bio);
}

function sendPart(port: Port, op: BioOp, first: number): void {
  for (let i = 0; i < BIOS_OF_A_PART; i++) {
    const bio = bioPool.get();
    bio.op = op;
    bio.sector = first + ((i * 7) % (SECTORS / 2));
    bio.count = 1;
    bio.buffer = buffer;
    bio.end = putBack;
    port.submit(bio);
  }
}

/** Bytes of the heap for each bio, of the part that took least. */
async function allocated(device: string, op: BioOp, first: number): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const port = await engine.open(device);
  let least = Infinity;
  for (let part = 0; part < FIRST_PARTS + PARTS; part++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    sendPart(port, op, first);
    const bytes = (process.memoryUsage().heapUsed - before) / BIOS_OF_A_PART;
    if (part >= FIRST_PARTS) least = Math.min(least, bytes);
    await setImmediate();
  }
  port.close();
  return least;
}

it.each([
  ['a write to the origin that is copied out already', 'o', BioOp.Write, 0],
  ['a read of the snapshot from its store', 's', BioOp.Read, 0],
  ['a read of the snapshot from the origin', 's', BioOp.Read, SECTORS / 2],
  ['a write to the snapshot that has a place in its store', 's', BioOp.Write, 0],
])('nothing is allocated for %s', async (_, device, op, first) => {
  const nothing = await allocated('plain', op, 0);
  expect((await allocated(device, op, first)) - nothing).toBeLessThan(4);
});
