// @ts-check
/** The core in process: each case in fresh child processes, so that one case's JIT state is not another's. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runTool } from './process.mjs';
import { median } from './statistics.mjs';

/**
 * @typedef {object} MicroResult
 * @property {string} name
 * @property {number} value median over the processes
 * @property {number} min
 * @property {number} max
 * @property {string} unit
 * @property {number | null} limit the most it may be; null = for information
 * @property {import('./statistics.mjs').Verdict} verdict
 */

/**
 * @typedef {object} Figure one number that a case prints
 * @property {string} key its name in the case's answer
 * @property {string} name
 * @property {string} unit
 * @property {number | null} limit
 */

/** Reading the heap's size allocates a little itself; a single word per bio would be 8 bytes. */
const HEAP_NOISE = 0.1;

/** The case collects garbage once its devices stand: in a program that runs for a while they are old, too. */
const SETTLED = ['--expose-gc'];

/** @type {{ name: string, nodeFlags: string[], figures: Figure[] }[]} */
const CASES = [
  {
    name: 'layers',
    nodeFlags: SETTLED,
    figures: [
      { key: 'ram', name: 'read of one sector from RAM', unit: 'ns/bio', limit: null },
      { key: 'layer', name: 'each linear layer over it', unit: 'ns/bio', limit: 20 },
    ],
  },
  {
    name: 'filters',
    nodeFlags: SETTLED,
    figures: [
      { key: 'pass', name: 'each filter that passes on', unit: 'ns/bio', limit: null },
      { key: 'watch', name: 'each filter that watches', unit: 'ns/bio', limit: null },
    ],
  },
  {
    name: 'heap',
    // A young generation that holds all a part of the run could allocate: no collection hides any of it.
    nodeFlags: ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'],
    figures: [
      { key: 'allocated', name: 'heap allocated, 10^6 bios', unit: 'bytes/bio', limit: HEAP_NOISE },
      { key: 'kept', name: 'heap kept, 10^6 bios', unit: 'bytes/bio', limit: HEAP_NOISE },
    ],
  },
  {
    name: 'stack',
    nodeFlags: [],
    figures: [{ key: 'growth', name: 'stack at depth 30 over depth 1', unit: 'frames', limit: 0 }],
  },
  {
    name: 'delay',
    nodeFlags: SETTLED,
    figures: [
      { key: 'late', name: 'median delay over the asked one and 2 % of it', unit: 'ms', limit: 1 },
      { key: 'timers', name: 'timers for 10^5 delayed bios', unit: 'timers', limit: 1 },
      { key: 'memory', name: 'heap for each of 10^5 delayed bios', unit: 'bytes/bio', limit: null },
      { key: 'kept', name: 'heap for each of 10^5 more, later', unit: 'bytes/bio', limit: 1 },
    ],
  },
  {
    name: 'resync',
    nodeFlags: [],
    figures: [
      { key: 'ratio', name: 'time of a resync over that of a copy', unit: 'x', limit: 1.43 },
      { key: 'resync', name: 'resync of a mirror of files', unit: 'MiB/s', limit: null },
      { key: 'copy', name: 'plain copy of the same files', unit: 'MiB/s', limit: null },
    ],
  },
  {
    name: 'crypt',
    nodeFlags: [],
    figures: [
      { key: 'large', name: 'deciphering, sectors of 4096', unit: 'us/MiB', limit: 488 },
      { key: 'small', name: 'deciphering, sectors of 512', unit: 'us/MiB', limit: null },
      { key: 'stall', name: 'event loop late while deciphering, p99', unit: 'ms', limit: 10 },
    ],
  },
  {
    name: 'verity',
    nodeFlags: [],
    figures: [
      { key: 'first', name: 'checked reads, first time', unit: 'us/MiB', limit: 1428 },
      { key: 'cached', name: 'time of reads checked before over plain', unit: 'x', limit: 1.25 },
      { key: 'stall', name: 'event loop late while checking, p99', unit: 'ms', limit: 10 },
    ],
  },
];

const PROCESSES = 5;
const TIMEOUT_SECONDS = 120;
const CHILD = fileURLToPath(new URL('micro-cases.mjs', import.meta.url));
const NEEDED = ['core', 'device-file', 'device-ram', 'format-verity'].concat(
  ['crypt', 'delay', 'linear', 'mirror', 'verity', 'zero'].map((name) => `target-${name}`),
);

/**
 * @param {string} root the repository, built
 * @returns {Promise<{ results: MicroResult[], errors: string[] }>}
 */
export async function runMicro(root) {
  const missing = NEEDED.filter((name) => !existsSync(join(root, 'packages', name, 'dist/index.js')));
  if (missing.length > 0) return { results: [], errors: [`micro: not built: ${missing.join(', ')}`] };
  /** @type {MicroResult[]} */
  const results = [];
  /** @type {string[]} */
  const errors = [];
  for (const { name, nodeFlags, figures } of CASES) {
    try {
      const answers = await runCase(root, name, nodeFlags);
      results.push(...figures.map((figure) => resultOf(figure, answers)));
    } catch (error) {
      errors.push(`micro ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { results, errors };
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string[]} nodeFlags
 * @returns {Promise<Record<string, number>[]>} the answer of each process
 */
async function runCase(root, name, nodeFlags) {
  const answers = [];
  for (let count = 0; count < PROCESSES; count++) {
    const result = await runTool(process.execPath, [...nodeFlags, CHILD, root, name], {
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    if (result.failure !== undefined) throw new Error(`${result.failure}; ${reasonIn(result.stderr)}`);
    answers.push(JSON.parse(result.stdout));
  }
  return answers;
}

/** Of what Node prints about an exception: its message, without the stack. @param {string} stderr */
function reasonIn(stderr) {
  return /^\w*Error.*$/m.exec(stderr)?.[0] ?? lastLines(stderr);
}

/** @param {Figure} figure @param {Record<string, number>[]} answers @returns {MicroResult} */
function resultOf({ key, name, unit, limit }, answers) {
  const values = answers.map((answer) => answer[key] ?? NaN);
  const value = median(values);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { name, value, min, max, unit, limit, verdict: judgeLimit(value, min, max, limit) };
}

/**
 * @param {number} value
 * @param {number} min
 * @param {number} max
 * @param {number | null} limit
 * @returns {import('./statistics.mjs').Verdict}
 */
export function judgeLimit(value, min, max, limit) {
  if (limit === null) return 'info';
  const close = min <= limit && max > limit;
  if (value <= limit) return close ? 'ok, close' : 'ok';
  return close ? 'missed, close' : 'MISSED';
}
