import { burstHeapUse, burstOf, nullDriver, spanTarget } from '@interposer/conformance';
import { BioOp, createEngine } from '@interposer/core';
import { expect, it } from 'vitest';
import { mirror } from '../src/index.ts';

const SECTORS = 4096;

/** Bytes of the heap for each bio, when every region is marked. */
async function allocated(table: string, op: BioOp): Promise<number> {
  const engine = createEngine({ types: [nullDriver(SECTORS), mirror, spanTarget] });
  await engine.create('x', { table: `0 ${String(SECTORS)} ${table}` });
  const port = await engine.open('x');
  const use = await burstHeapUse(port, burstOf(op), 3);
  port.close();
  await engine.close();
  return use.allocated;
}

it.each([
  ['core 2 64 nosync 2 null: 0 null: 0', BioOp.Read],
  ['core 2 64 nosync 2 null: 0 null: 0', BioOp.Write],
  ['disk 3 null: 64 nosync 3 null: 0 null: 0 null: 0 1 handle_errors', BioOp.Write],
])('nothing is allocated for a bio in sync: %s, operation %d', async (args, op) => {
  const nothing = await allocated('span null: 0', op);
  expect((await allocated(`mirror ${args}`, op)) - nothing).toBeLessThan(4);
});
