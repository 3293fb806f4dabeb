import { loadEngines } from '@interposer/block-cipher';
import { burstHeapUse, burstOf, nullDriver, spanTarget } from '@interposer/conformance';
import { BioOp, createEngine } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { crypt } from '../src/index.ts';
import { hexKey } from './ring.ts';

const SECTORS = 4096;
/** Whether V8 makes a heap number, of 16 bytes, of an address for a native call depends on how it has compiled the caller. */
const ONE_ADDRESS = 16;

/** Bytes of the heap for each bio. */
async function allocated(table: string, op: BioOp): Promise<number> {
  const engine = createEngine({ types: [nullDriver(SECTORS), crypt, spanTarget] });
  await engine.create('x', { table: `0 ${String(SECTORS)} ${table}` });
  const port = await engine.open('x');
  const use = await burstHeapUse(port, burstOf(op), 3);
  port.close();
  await engine.close();
  return use.allocated;
}

const XTS = `aes-xts-plain64 ${hexKey(64)}`;
const engines = await loadEngines();

// With the crypto of Node each call of a cipher makes a buffer.
describe.runIf(engines.includes('evp'))('nothing is allocated', () => {
  it.each([BioOp.Read, BioOp.Write])('for a bio, operation %d', async (op) => {
    const nothing = await allocated('span null: 0', op);
    expect((await allocated(`crypt ${XTS} 0 null: 0`, op)) - nothing).toBeLessThan(ONE_ADDRESS + 4);
  });
});
