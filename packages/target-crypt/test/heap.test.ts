import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadEngines } from '@interposer/block-cipher';
import { spanTarget } from '@interposer/conformance';
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
import { describe, expect, it } from 'vitest';
import { crypt } from '../src/index.ts';
import { hexKey } from './ring.ts';

const BIOS_OF_A_PART = 5_000;
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
  const engine = createEngine({ types: [nullDriver, crypt, spanTarget] });
  await engine.create('x', { table: `0 ${String(SECTORS)} ${table}` });
  const port = await engine.open('x');
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

const XTS = `aes-xts-plain64 ${hexKey(64)}`;
const engines = await loadEngines();

// With the crypto of Node each call of a cipher makes a buffer.
describe.runIf(engines.includes('evp'))('nothing is allocated', () => {
  it.each([BioOp.Read, BioOp.Write])('for a bio, operation %d', async (op) => {
    const nothing = await allocated('span null: 0', op);
    expect((await allocated(`crypt ${XTS} 0 null: 0`, op)) - nothing).toBeLessThan(4);
  });
});
