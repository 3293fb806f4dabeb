import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Bio,
  BioOp,
  bioPool,
  createEngine,
  defineDriver,
  makeLimits,
  MapResult,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { spanTarget } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { mirror } from '../src/index.ts';

const BIOS_OF_A_PART = 10_000;
const FIRST_PARTS = 6;
const PARTS = 3;
const SECTORS = 4096;

/** Devices without data that answer at once. */
const nullDriver = defineDriver({
  name: 'null',
  version: [1, 0, 0],
  schemes: ['null'],
  major: 1,
  identify: () => Promise.resolve(undefined),
  open: () =>
    Promise.resolve({
      limits: makeLimits(SECTORS),
      submit(bio: Bio) {
        bio.complete(Status.Ok);
        return MapResult.Submitted;
      },
      close: () => Promise.resolve(),
    }),
});

const buffer = Buffer.alloc(SECTOR_SIZE);

function putBack(bio: Bio): void {
  bioPool.put(bio);
}

function sendPart(port: Port, op: BioOp): void {
  for (let i = 0; i < BIOS_OF_A_PART; i++) {
    const bio = bioPool.get();
    bio.op = op;
    bio.sector = (i * 7) % SECTORS;
    bio.count = 1;
    bio.buffer = buffer;
    bio.end = putBack;
    port.submit(bio);
  }
}

/** Bytes of the heap for each bio, of the part that took least. */
async function allocated(table: string, op: BioOp): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const engine = createEngine({ types: [nullDriver, mirror, spanTarget] });
  await engine.create('x', { table: `0 ${String(SECTORS)} ${table}` });
  const port = await engine.open('x');
  sendPart(port, op);
  // Until every region is marked.
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  let least = Infinity;
  for (let part = 0; part < FIRST_PARTS + PARTS; part++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    sendPart(port, op);
    const bytes = (process.memoryUsage().heapUsed - before) / BIOS_OF_A_PART;
    if (part >= FIRST_PARTS) least = Math.min(least, bytes);
    await setImmediate();
  }
  port.close();
  await engine.close();
  return least;
}

it.each([
  ['core 2 64 nosync 2 null: 0 null: 0', BioOp.Read],
  ['core 2 64 nosync 2 null: 0 null: 0', BioOp.Write],
  ['disk 3 null: 64 nosync 3 null: 0 null: 0 null: 0 1 handle_errors', BioOp.Write],
])('nothing is allocated for a bio in sync: %s, operation %d', async (args, op) => {
  const nothing = await allocated('span null: 0', op);
  expect((await allocated(`mirror ${args}`, op)) - nothing).toBeLessThan(4);
});
