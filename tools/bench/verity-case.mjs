// @ts-check
/** What checking against a tree of hashes costs in process: reads of a file, in sequence. */

import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAll } from './closed-loop.mjs';

/** @typedef {(packageName: string) => Promise<any>} Load */

const MIB = 1024 * 1024;
const IMAGE_MIB = 128;
const BLOCK = 4096;
const SMALL = { bytes: BLOCK, depth: 32, mebibytes: IMAGE_MIB };
const LARGE = { bytes: MIB, depth: 8, mebibytes: 4 * IMAGE_MIB };
/** The best round counts: what disturbs one makes it worse. */
const ROUNDS = 6;

/**
 * `first`: microseconds of processor time for each MiB that is read for the first time; `cached`: the time of reads of what was
 * checked before over that of plain reads; `stall`: milliseconds, of 1 MiB reads, eight under way, that are checked each time.
 *
 * @param {Load} load
 * @returns {Promise<Record<string, number>>}
 */
export async function measureVerity(load) {
  const names = ['core', 'device-file', 'target-verity', 'format-verity'];
  const [core, { file }, { verity }, format] = await Promise.all(names.map(load));
  const folder = mkdtempSync(join(tmpdir(), 'interposer-bench-'));
  const engine = core.createEngine({ types: [file, verity] });
  const best = { first: Infinity, cached: Infinity, plain: Infinity, stall: Infinity };
  try {
    const disk = await makeDisk(engine, format, folder);
    for (let round = 0; round < ROUNDS; round++) {
      const once = await openChecked(engine, `${disk.table} 1 check_at_most_once`);
      best.first = Math.min(best.first, (await readAll(once, SMALL)).processor);
      best.cached = Math.min(best.cached, (await readAll(once, SMALL)).wall);
      await remove(engine, once);
      const always = await openChecked(engine, disk.table);
      best.stall = Math.min(best.stall, (await readAll(always, LARGE)).stall);
      await remove(engine, always);
      const plain = await engine.open(disk.data, { mode: 'read' });
      best.plain = Math.min(best.plain, (await readAll(plain, SMALL)).wall);
      plain.close();
    }
    return { first: best.first, cached: best.cached / best.plain, stall: best.stall };
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true });
  }
}

/** A file of random bytes with its tree. @param {any} engine @param {any} format @param {string} folder */
async function makeDisk(engine, { buildTree, hashAlgorithm }, folder) {
  const paths = { data: join(folder, 'data'), hash: join(folder, 'hash') };
  writeFileSync(paths.data, randomFillSync(Buffer.alloc(IMAGE_MIB * MIB)));
  writeFileSync(paths.hash, '');
  truncateSync(paths.hash, 2 * MIB);
  const [data, hash] = [await engine.open(paths.data), await engine.open(paths.hash)];
  const dataBlocks = (IMAGE_MIB * MIB) / BLOCK;
  const sizes = { dataBlockSize: BLOCK, hashBlockSize: BLOCK, dataBlocks };
  const params = { algorithm: hashAlgorithm('sha256'), hashType: 1, salt: new Uint8Array(0), ...sizes };
  const root = await buildTree({ params, data, hash, hashStart: 0 });
  data.close();
  hash.close();
  const words = [1, paths.data, paths.hash, BLOCK, BLOCK, dataBlocks, 0, 'sha256', root, '-'];
  return { data: paths.data, table: `0 ${IMAGE_MIB * 2048} verity ${words.join(' ')}` };
}

/** @param {any} engine @param {string} table */
async function openChecked(engine, table) {
  await engine.create('checked', { table, readOnly: true });
  return engine.open('checked', { mode: 'read' });
}

/** @param {any} engine @param {any} port */
async function remove(engine, port) {
  port.close();
  await engine.remove('checked');
}
