// @ts-check
/** How long requests wait while a filter is swapped under them. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RAM_DISK, ramDisk, startDaemon } from './daemon.mjs';
import { judgeLimit } from './micro.mjs';
import { lastLines, runTool } from './process.mjs';

/** @typedef {import('./micro.mjs').MicroResult} MicroResult */
/** @typedef {import('./runner.mjs').Setting} Setting */

/** What a run answers: the longest wait at each swap, and at moments without one, in milliseconds. */
/** @typedef {{ swaps: number[], quiet: number[] }} Waits */

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {keyof Waits} of
 * @property {number} part how many of 1 are no longer
 * @property {number | null} limit
 */

/** @type {Figure[]} */
const FIGURES = [
  { name: 'longest wait during a swap, p50', of: 'swaps', part: 0.5, limit: null },
  { name: 'longest wait during a swap, p99', of: 'swaps', part: 0.99, limit: 5 },
  { name: 'longest wait during a swap, all', of: 'swaps', part: 1, limit: null },
  { name: 'the same without a swap, p50', of: 'quiet', part: 0.5, limit: null },
  { name: 'the same without a swap, p99', of: 'quiet', part: 0.99, limit: null },
];

const CLIENT = fileURLToPath(new URL('swap-stall-client.mjs', import.meta.url));
const NEEDED = ['core', 'device-nbd', 'cli'];
const GRACE_SECONDS = 30;
const FILTERS = ['stats', 'access'];

/**
 * @param {Setting} setting
 * @returns {Promise<{ results: MicroResult[], errors: string[] }>}
 */
export async function runSwapStall(setting) {
  const missing = NEEDED.filter((name) => !existsSync(join(setting.root, 'packages', name, 'dist/index.js')));
  if (missing.length > 0) return { results: [], errors: [`swap-stall: not built: ${missing.join(', ')}`] };
  try {
    const answers = await runAll(setting);
    return { results: FIGURES.map((figure) => resultOf(figure, answers)), errors: [] };
  } catch (error) {
    return { results: [], errors: [`swap-stall: ${error instanceof Error ? error.message : error}`] };
  }
}

/** @param {Setting} setting @returns {Promise<Waits[]>} of each run */
async function runAll(setting) {
  const daemon = await startDaemon('swap-stall', setting, ramDisk(setting));
  try {
    await daemon.run('filter', 'attach', RAM_DISK, FILTERS[0] ?? '');
    // One run more than are counted: the first is for the JIT.
    const answers = [];
    for (let run = 0; run <= setting.runs; run++) answers.push(await runClient(daemon, setting));
    const death = daemon.server.death();
    if (death !== undefined) throw new Error(death);
    return answers.slice(1);
  } finally {
    await daemon.server.stop();
  }
}

/** @param {import('./daemon.mjs').Daemon} daemon @param {Setting} setting @returns {Promise<Waits>} */
async function runClient({ controlSocket, exportSocket }, { root, seconds }) {
  const args = [CLIENT, root, controlSocket, exportSocket, RAM_DISK, String(seconds), ...FILTERS];
  const result = await runTool(process.execPath, args, { timeoutSeconds: seconds + GRACE_SECONDS });
  if (result.failure !== undefined) throw new Error(`${result.failure}; ${lastLines(result.stderr)}`);
  return JSON.parse(result.stdout);
}

/** Of all swaps together; the range is that of single runs. @param {Figure} figure @param {Waits[]} answers */
function resultOf({ name, of, part, limit }, answers) {
  const runs = answers.map((answer) => percentile(answer[of], part));
  const value = percentile(
    answers.flatMap((answer) => answer[of]),
    part,
  );
  const [min, max] = [Math.min(...runs), Math.max(...runs)];
  return { name, value, min, max, unit: 'ms', limit, verdict: judgeLimit(value, min, max, limit) };
}

/** @param {number[]} values @param {number} part */
function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
}
