// @ts-check
/** How a resync of a mirror compares with a plain copy by the same means: files, depth, size of requests, process. */

import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settleImage } from './image.mjs';

/** @typedef {(packageName: string) => Promise<any>} Load */

const MIB = 1024 * 1024;
const IMAGE_MIB = 256;
/** In sectors: half a MiB. What target-mirror copies at a time of regions that are as large or larger. */
const REQUEST = 1024;
const REQUEST_MIB = 0.5;
/** How many regions target-mirror copies at a time. */
const DEPTH = 4;
/** Rounds of both in turn; the fastest of each counts, as whatever disturbs one makes it longer. */
const ROUNDS = 7;

/**
 * `ratio`: the time of a resync over that of the copy; `resync`, `copy`: MiB/s.
 *
 * @param {Load} load
 * @returns {Promise<Record<string, number>>}
 */
export async function measureResync(load) {
  const [core, { file }, { mirror }] = await Promise.all(['core', 'device-file', 'target-mirror'].map(load));
  const folder = mkdtempSync(join(tmpdir(), 'interposer-bench-'));
  try {
    const legs = [join(folder, 'first'), join(folder, 'second')];
    for (const leg of legs) writeFileSync(leg, randomFillSync(Buffer.alloc(IMAGE_MIB * MIB)));
    const engine = core.createEngine({ types: [file, mirror] });
    const best = { resync: Infinity, copy: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      best.resync = Math.min(best.resync, await settled(legs, () => resync(engine, legs)));
      if (round === 0) compare(legs);
      best.copy = Math.min(best.copy, await settled(legs, () => copy(core, engine, legs)));
    }
    await engine.close();
    const rate = (/** @type {number} */ milliseconds) => (IMAGE_MIB / milliseconds) * 1000;
    return { ratio: best.resync / best.copy, resync: rate(best.resync), copy: rate(best.copy) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * With nothing dirty before it, so that neither pays for the other.
 *
 * @param {string[]} files
 * @param {() => Promise<number>} action answers its milliseconds
 */
function settled(files, action) {
  for (const path of files) settleImage(path);
  return action();
}

/** All of it, to the event that tells that the legs are the same. @param {any} engine @param {string[]} legs */
async function resync(engine, legs) {
  const sectors = (IMAGE_MIB / REQUEST_MIB) * REQUEST;
  const devices = legs.map((leg) => `${leg} 0`).join(' ');
  await engine.create('mirrored');
  await engine.load('mirrored', `0 ${sectors} mirror core 2 ${REQUEST} sync ${legs.length} ${devices}`);
  const start = performance.now();
  await engine.resume('mirrored');
  await engine.wait('mirrored', 0);
  const took = performance.now() - start;
  await engine.remove('mirrored');
  return took;
}

/** Always so many requests under way. @param {any} core @param {any} engine @param {string[]} legs */
async function copy(core, engine, [from, to]) {
  const source = await engine.open(from, { mode: 'read' });
  const target = await engine.open(to);
  const start = performance.now();
  let next = 0;
  const copyOn = async () => {
    const buffer = Buffer.alloc(REQUEST * core.SECTOR_SIZE);
    while (next < source.limits.sectors) {
      const sector = next;
      next += REQUEST;
      await source.read(sector, REQUEST, buffer);
      await target.write(sector, buffer);
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, copyOn));
  const took = performance.now() - start;
  source.close();
  target.close();
  return took;
}

/** @param {string[]} legs */
function compare([first = '', second = '']) {
  if (!readFileSync(first).equals(readFileSync(second))) throw new Error('the legs differ after a resync');
}
