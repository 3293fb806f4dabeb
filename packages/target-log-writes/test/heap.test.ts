import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { passFilter } from '@interposer/conformance';
import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  createEngine,
  defineDriver,
  type FilterType,
  makeLimits,
  MapResult,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { expect, it } from 'vitest';
import { logWritesFilter } from '../src/index.ts';

const ROUNDS = 1000;
const WRITES = 14;
const BIOS_OF_A_PART = ROUNDS * (WRITES + 2);
const FIRST_PARTS = 6;
const PARTS = 4;

/** Devices without data that answer at once, so large that no log is ever full. */
const nullDriver = defineDriver({
  name: 'null',
  version: [1, 0, 0],
  schemes: ['null'],
  major: 1,
  identify: () => Promise.resolve(undefined),
  open: () =>
    Promise.resolve({
      limits: makeLimits(2 ** 30),
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

function send(port: Port, op: BioOp, sector: number, flags: number): void {
  const bio = bioPool.get();
  bio.op = op;
  bio.flags = flags;
  bio.sector = sector;
  bio.count = op === BioOp.Flush ? 0 : 1;
  bio.buffer = buffer;
  bio.end = putBack;
  port.submit(bio);
}

function sendPart(port: Port): void {
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < WRITES; i++) send(port, i % 7 === 0 ? BioOp.Discard : BioOp.Write, i, 0);
    send(port, BioOp.Flush, 0, 0);
    send(port, BioOp.Write, round, BioFlag.Fua);
  }
}

/** Bytes of the heap for each bio, of the part that took least. */
async function allocated(type: FilterType, args: string): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const engine = createEngine({ types: [nullDriver, type] });
  const port = await engine.open('null:');
  await engine.attachFilter(port.device.number, `${type.name} ${args}`);
  let least = Infinity;
  for (let part = 0; part < FIRST_PARTS + PARTS; part++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    sendPart(port);
    const bytes = (process.memoryUsage().heapUsed - before) / BIOS_OF_A_PART;
    if (part >= FIRST_PARTS) least = Math.min(least, bytes);
    await setImmediate();
  }
  port.close();
  await engine.close();
  return least;
}

it('nothing is allocated for a request that is logged', async () => {
  const nothing = await allocated(passFilter, '');
  expect((await allocated(logWritesFilter, 'null:')) - nothing).toBeLessThan(4);
});
