// @ts-check
/** What deciphering costs in process: 1 MiB reads through `crypt`, eight under way, of a device below that only makes zeroes. */

import { readAll } from './closed-loop.mjs';

/** @typedef {(packageName: string) => Promise<any>} Load */

const DEVICE_MIB = 64;
const SECTORS = DEVICE_MIB * 2048;
const LOAD = { bytes: 1024 * 1024, depth: 8, mebibytes: 1024 };
/** Of the rounds after the first the cheapest counts: what disturbs one makes it dearer. */
const ROUNDS = 4;
/** Of aes-256-xts. */
const KEY = '5a'.repeat(32) + 'c3'.repeat(32);

/**
 * `large`, `small`: microseconds of processor time for each MiB, with sectors of 4096 and of 512 bytes; `stall`: milliseconds.
 *
 * @param {Load} load
 * @returns {Promise<Record<string, number>>}
 */
export async function measureCrypt(load) {
  const [core, { zero }, { crypt }] = await Promise.all(['core', 'target-zero', 'target-crypt'].map(load));
  const engine = core.createEngine({ types: [zero, crypt] });
  await engine.create('zeroes', { table: `0 ${SECTORS} zero` });
  const large = await measureTable(engine, 'large', '1 sector_size:4096');
  const small = await measureTable(engine, 'small', '0');
  await engine.close();
  return {
    large: large.processor,
    small: small.processor,
    stall: Math.max(large.stall, small.stall),
  };
}

/** @param {any} engine @param {string} name @param {string} options */
async function measureTable(engine, name, options) {
  await engine.create(name, { table: `0 ${SECTORS} crypt aes-xts-plain64 ${KEY} 0 zeroes 0 ${options}` });
  const port = await engine.open(name);
  const best = { processor: Infinity, stall: Infinity };
  for (let round = 0; round <= ROUNDS; round++) {
    const { processor, stall } = await readAll(port, LOAD);
    if (round === 0) continue;
    best.processor = Math.min(best.processor, processor);
    best.stall = Math.min(best.stall, stall);
  }
  port.close();
  await engine.remove(name);
  return best;
}
