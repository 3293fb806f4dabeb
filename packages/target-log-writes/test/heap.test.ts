import { type Burst, burstHeapUse, nullDriver, passFilter, sendBio } from '@interposer/conformance';
import { BioFlag, BioOp, createEngine, type FilterType } from '@interposer/core';
import { expect, it } from 'vitest';
import { logWritesFilter } from '../src/index.ts';

const ROUNDS = 1000;
const WRITES = 14;

/** Writes, discards, flushes and FUA in turn. */
const burst: Burst = {
  bios: ROUNDS * (WRITES + 2),
  send: (port) => {
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < WRITES; i++) sendBio(port, i % 7 === 0 ? BioOp.Discard : BioOp.Write, i);
      sendBio(port, BioOp.Flush, 0);
      sendBio(port, BioOp.Write, round, BioFlag.Fua);
    }
  },
};

/** Bytes of the heap for each bio. The devices are so large that no log is ever full. */
async function allocated(type: FilterType, args: string): Promise<number> {
  const engine = createEngine({ types: [nullDriver(2 ** 30), type] });
  const port = await engine.open('null:');
  await engine.attachFilter(port.device.number, `${type.name} ${args}`);
  const use = await burstHeapUse(port, burst, 4);
  port.close();
  await engine.close();
  return use.allocated;
}

it('nothing is allocated for a request that is logged', async () => {
  const nothing = await allocated(passFilter, '');
  expect((await allocated(logWritesFilter, 'null:')) - nothing).toBeLessThan(4);
});
