// @ts-check
/**
 * The child process of micro.mjs: `node micro-cases.mjs ROOT CASE` prints the figures of one case as JSON.
 *
 * All cases here send reads of one sector, so that copying data is a small part of what is measured. The cases of single
 * targets are in files of their own.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureCrypt } from './crypt-case.mjs';
import { measureDelay } from './delay-case.mjs';
import { measureResync } from './resync-case.mjs';
import { measureVerity } from './verity-case.mjs';

const [root = '', name = ''] = process.argv.slice(2);

// What is measured is what is built; the packages are untyped here, since they are found at run time.
const core = await load('core');
const { bioPool, BioOp, EndResult, PreResult, Status, SECTOR_SIZE, ALL_OPS } = core;

const RAM = 'ram:16M';
const RAM_SECTORS = (16 * 1024 * 1024) / SECTOR_SIZE;
/** Bios of one timed round: some ten milliseconds. */
const BIOS_PER_ROUND = 100_000;
/** The least of so many rounds is taken: whatever disturbs a round makes it longer, nothing makes it shorter. */
const ROUNDS = 80;
const HEAP_BIOS = 1_000_000;
/** Few, since taking the size costs some kilobytes each time; and each must fit the young generation of the child. */
const HEAP_PARTS = 4;

const buffer = new Uint8Array(SECTOR_SIZE);
let completed = 0;
let failed = 0;

/** @type {Record<string, () => Promise<Record<string, number>>>} */
const cases = {
  layers: measureLayers,
  filters: measureFilters,
  heap: measureHeap,
  stack: measureStack,
  delay: () => measureDelay(load),
  resync: () => measureResync(load),
  crypt: () => measureCrypt(load),
  verity: () => measureVerity(load),
};
const measure = cases[name];
if (measure === undefined) throw new Error(`no case "${name}"`);
process.stdout.write(`${JSON.stringify(await measure())}\n`);

/** @param {string} packageName @returns {Promise<any>} */
function load(packageName) {
  return import(pathToFileURL(join(root, 'packages', packageName, 'dist/index.js')).href);
}

/** @returns {Promise<any>} an engine that knows RAM, linear and the two filters of `filterTypes` */
async function makeEngine() {
  const modules = await Promise.all(['device-ram', 'target-linear'].map(load));
  const types = modules.flatMap((module) => Object.values(module).filter(core.isPluginType));
  return core.createEngine({ types: [...types, ...filterTypes()] });
}

/** A linear layer over a linear layer ... over RAM. @param {any} engine @param {number} depth */
async function openLayers(engine, depth) {
  let below = RAM;
  for (let layer = 1; layer <= depth; layer++) {
    const device = `depth${depth}-layer${layer}`;
    await engine.create(device, { table: `0 ${RAM_SECTORS} linear ${below} 0` });
    below = device;
  }
  return engine.open(below);
}

/** The least a filter can do: look at the bio on its way down; or on its way down and up. */
function filterTypes() {
  const common = { version: [1, 0, 0], altitude: '100', ops: ALL_OPS, params: [] };
  const pass = { pre: () => PreResult.Pass, table: () => '' };
  const watch = { pre: () => PreResult.Watch, post: () => EndResult.Done, table: () => '' };
  return [
    core.defineFilter({ ...common, name: 'bench-pass', attach: () => pass }),
    core.defineFilter({ ...common, name: 'bench-watch', attach: () => watch }),
  ];
}

/** One linear layer with filters on it. @param {any} engine @param {string} type @param {number} count */
async function openFiltered(engine, type, count) {
  const device = `${type}-${count}`;
  await engine.create(device, { table: `0 ${RAM_SECTORS} linear ${RAM} 0` });
  for (let index = 1; index <= count; index++) await engine.attachFilter(device, `${type}@${index}`);
  return engine.open(device);
}

/** @param {any} bio */
function finish(bio) {
  completed++;
  if (bio.status !== Status.Ok) failed++;
  bioPool.put(bio);
}

/** @param {any} port @param {number} count */
function submitReads(port, count) {
  completed = 0;
  failed = 0;
  for (let index = 0; index < count; index++) {
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = index % RAM_SECTORS;
    bio.count = 1;
    bio.buffer = buffer;
    bio.end = finish;
    port.submit(bio);
  }
  if (completed !== count || failed > 0) {
    throw new Error(`of ${count} reads ${completed} came back at once, ${failed} of them failed`);
  }
}

/** Moves what is there to the old generation, as time does where requests do allocate. */
function settle() {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
}

/**
 * Rounds of the ports in turn, so that a slow moment of the machine meets all of them.
 *
 * @param {any[]} ports
 * @returns {number[]} nanoseconds per bio for each port
 */
function fastestRounds(ports) {
  settle();
  const best = ports.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, port] of ports.entries()) {
      const started = process.hrtime.bigint();
      submitReads(port, BIOS_PER_ROUND);
      const nanoseconds = Number(process.hrtime.bigint() - started) / BIOS_PER_ROUND;
      best[index] = Math.min(best[index] ?? Infinity, nanoseconds);
    }
  }
  return best;
}

/** What one more costs, from a stack of 1 and a stack of 11. @param {any} one @param {any} eleven */
function slope(one, eleven) {
  const [least = NaN, most = NaN] = fastestRounds([one, eleven]);
  return (most - least) / 10;
}

async function measureLayers() {
  const engine = await makeEngine();
  const [ram = NaN] = fastestRounds([await openLayers(engine, 0)]);
  return { ram, layer: slope(await openLayers(engine, 1), await openLayers(engine, 11)) };
}

async function measureFilters() {
  const engine = await makeEngine();
  const pass = slope(
    await openFiltered(engine, 'bench-pass', 1),
    await openFiltered(engine, 'bench-pass', 11),
  );
  const watch = slope(
    await openFiltered(engine, 'bench-watch', 1),
    await openFiltered(engine, 'bench-watch', 11),
  );
  return { pass, watch };
}

/**
 * Through eleven layers with a watching filter on top: frames, remaps and the pool are all in it. The run is cut in parts
 * and the least part counts: what is allocated for each bio is in every part, what the compiler allocates is not.
 */
async function measureHeap() {
  const engine = await makeEngine();
  const port = await openLayers(engine, 11);
  await engine.attachFilter(port.device.name, 'bench-watch@1');
  submitReads(port, HEAP_BIOS); // Compiled, and the pool has grown to its size.
  const parts = Array.from({ length: HEAP_PARTS }, () => heapPart(port, HEAP_BIOS / HEAP_PARTS));
  return {
    allocated: Math.min(...parts.map((part) => part.allocated)),
    kept: Math.min(...parts.map((part) => part.kept)),
  };
}

/** @param {any} port @param {number} count @returns {{ allocated: number, kept: number }} bytes per bio */
function heapPart(port, count) {
  const collect = /** @type {() => void} */ (/** @type {any} */ (globalThis).gc);
  collect();
  const before = heapUsed();
  submitReads(port, count);
  const allocated = heapUsed() - before;
  collect();
  return { allocated: Math.max(0, allocated) / count, kept: Math.max(0, heapUsed() - before) / count };
}

function heapUsed() {
  return process.memoryUsage().heapUsed;
}

async function measureStack() {
  const engine = await makeEngine();
  const shallow = stackAtEnd(await openLayers(engine, 1));
  const deep = stackAtEnd(await openLayers(engine, 30));
  return { growth: deep - shallow };
}

/** How many frames the submitter's completion sees below it. @param {any} port @returns {number} */
function stackAtEnd(port) {
  let frames = NaN;
  Error.stackTraceLimit = Infinity;
  const bio = bioPool.get();
  Object.assign(bio, { op: BioOp.Read, sector: 0, count: 1, buffer });
  bio.end = () => {
    frames = new Error('here').stack?.split('\n').length ?? NaN;
  };
  port.submit(bio);
  if (bio.status !== Status.Ok) throw new Error(`the read ended with status ${bio.status}`);
  bioPool.put(bio);
  return frames;
}
