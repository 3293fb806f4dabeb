import { burstHeapUse, burstOf, nullDriver, spanTarget } from '@interposer/conformance';
import { BioOp, createEngine, type Engine, SECTOR_SIZE } from '@interposer/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { snapshot, snapshotOrigin } from '../src/index.ts';

const SECTORS = 4096;

let engine: Engine;

beforeEach(async () => {
  engine = createEngine({ types: [snapshot, snapshotOrigin, spanTarget, nullDriver(2 * SECTORS)] });
  await engine.create('s', { table: `0 ${String(SECTORS)} snapshot null:disk null:store N 8` });
  await engine.create('o', { table: `0 ${String(SECTORS)} snapshot-origin null:disk` });
  await engine.create('plain', { table: `0 ${String(SECTORS)} span null:plain 0` });
  // The first half is copied out.
  await engine.write('o', 0, Buffer.alloc((SECTORS / 2) * SECTOR_SIZE));
});

afterEach(() => engine.close());

/** Bytes of the heap for each bio. */
async function allocated(device: string, op: BioOp, first: number): Promise<number> {
  const port = await engine.open(device);
  const use = await burstHeapUse(port, burstOf(op, first), 3);
  port.close();
  return use.allocated;
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
