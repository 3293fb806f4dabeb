// @ts-check
/**
 * The client of swap-stall.mjs: `node swap-stall-client.mjs ROOT CONTROL_SOCKET EXPORT_SOCKET DEVICE SECONDS FILTER OTHER`
 * keeps 32 random reads and writes of 4 KiB under way, swaps two filters every 20 ms, and prints as JSON, in milliseconds,
 * how long the slowest request took of those that were under way during each swap, and at moments between them.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const [root = '', controlSocket = '', exportSocket = '', device = '', seconds = '', ...filters] =
  process.argv.slice(2);

const DEPTH = 32;
const SECTORS = 8;
const PERIOD_MS = 20;

/**
 * A span of time with the slowest request of those that were under way in it.
 *
 * @typedef {{ start: number, end: number, longest: number }} Span
 */

const { createEngine, bioPool, BioOp, Status, SECTOR_SIZE } = await load('core');
const { nbd } = await load('device-nbd');
const { connect } = await load('cli');

const engine = createEngine({ types: [nbd] });
const port = await engine.open(`nbd+unix:///?socket=${encodeURI(exportSocket)}`);
const places = Math.floor(port.limits.sectors / SECTORS);
const control = await connect(controlSocket);

/** @type {Span[]} in order of time: swaps, and moments between them at which nothing happens */
const spans = [];
let running = DEPTH;
let stopping = false;
let failed = 0;
/** @type {() => void} */
let allEnded = () => {};
const ended = new Promise((resolve) => (allEnded = () => resolve(undefined)));

for (let i = 0; i < DEPTH; i++) request();
const swaps = await swapUntilOver();
stopping = true;
await ended;
if (failed > 0) throw new Error(`${failed} requests failed`);
control.close();
port.close();
await engine.close();

const quiet = spans.filter((span) => !swaps.includes(span));
const answer = {
  swaps: swaps.map(({ longest }) => longest),
  quiet: quiet.map(({ longest }) => longest),
};
process.stdout.write(`${JSON.stringify(answer)}\n`);

/** @returns {Promise<Span[]>} the spans of the swaps */
async function swapUntilOver() {
  const over = performance.now() + Number(seconds) * 1000;
  const found = [];
  let [current = '', other = ''] = filters;
  while (performance.now() < over) {
    await sleep(PERIOD_MS / 2);
    const moment = performance.now();
    spans.push({ start: moment, end: moment, longest: 0 });
    await sleep(PERIOD_MS / 2);
    /** @type {Span} */
    const swap = { start: performance.now(), end: Infinity, longest: 0 };
    spans.push(swap);
    await control.swapFilter(device, current, other);
    swap.end = performance.now();
    found.push(swap);
    [current, other] = [other, current];
  }
  // The next run begins as this one did.
  if (current !== filters[0]) await control.swapFilter(device, current, other);
  return found;
}

/** Sends requests one behind the other until it is over. */
function request() {
  const bio = bioPool.get();
  const buffer = new Uint8Array(SECTORS * SECTOR_SIZE);
  let start = 0;
  const send = () => {
    bio.op = Math.random() < 0.5 ? BioOp.Read : BioOp.Write;
    bio.sector = Math.floor(Math.random() * places) * SECTORS;
    bio.count = SECTORS;
    bio.buffer = buffer;
    start = performance.now();
    port.submit(bio);
  };
  bio.end = () => {
    const end = performance.now();
    for (let at = spans.length - 1; at >= 0; at--) {
      const span = /** @type {Span} */ (spans[at]);
      if (span.end < start) break;
      if (end - start > span.longest) span.longest = end - start;
    }
    if (bio.status !== Status.Ok) failed++;
    if (!stopping && bio.status === Status.Ok) send();
    else if (--running === 0) allEnded();
  };
  send();
}

/** @param {string} packageName @returns {Promise<any>} */
function load(packageName) {
  return import(pathToFileURL(join(root, 'packages', packageName, 'dist/index.js')).href);
}
