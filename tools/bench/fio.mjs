// @ts-check
/** fio's nbd engine: the arguments of a job, and what its answer says. */

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { lastLines, runTool } from './process.mjs';

/** @typedef {import('./scenarios.mjs').FioJob} FioJob */

/**
 * @typedef {object} Measurement
 * @property {number} value in the scenario's unit
 * @property {number | undefined} requests how many were made
 * @property {number | undefined} p50us half of the requests took no longer, microseconds
 * @property {number | undefined} p99us
 */

/** The same addresses in the same order for each server and each run. */
const SEED = 20177;
/** A run that lasts this much longer than it was told hangs. */
const GRACE_SECONDS = 30;
const MIB = 1024 * 1024;

/**
 * @param {FioJob} job
 * @param {{ uri: string, size: string, seconds: number, offset?: string, once?: boolean }} where
 *   with `once` it goes over each block of the size one time, however long that takes
 * @returns {string[]}
 */
export function fioArguments(job, { uri, size, seconds, offset, once = false }) {
  return [
    ...common(uri, size),
    `--rw=${job.rw}`,
    `--bs=${job.blockSize}`,
    `--iodepth=${job.depth}`,
    `--numjobs=${job.connections}`,
    '--group_reporting',
    ...(offset === undefined ? [] : [`--offset=${offset}`]),
    ...(once ? [] : ['--time_based', `--runtime=${seconds}`]),
  ];
}

/**
 * Writes the disk (all of a RAM disk) and reads it back with checksums. So that pages are
 * allocated, code is compiled, and nobody wins by answering wrong bytes.
 *
 * @param {{ uri: string, size: string }} where
 * @returns {string[]}
 */
export function verifyArguments({ uri, size }) {
  return [
    ...common(uri, size),
    '--rw=write',
    '--bs=64k',
    '--iodepth=16',
    '--verify=crc32c',
    '--verify_fatal=1',
  ];
}

/** @param {string} uri @param {string} size */
function common(uri, size) {
  return ['--name=bench', '--ioengine=nbd', `--uri=${uri}`, `--size=${size}`, `--randseed=${SEED}`];
}

/**
 * @param {string[]} args
 * @param {{ answer: string, seconds: number }} options `answer`: a file for fio's JSON; its
 *   standard output also has the engine's own lines in it
 * @returns {Promise<any>} fio's JSON
 * @throws {Error} on any fio error
 */
export async function runFio(args, { answer, seconds }) {
  const all = [...args, '--output-format=json', `--output=${answer}`];
  const result = await runTool('fio', all, {
    timeoutSeconds: seconds + GRACE_SECONDS,
    cwd: dirname(answer), // It leaves a file of its own in the directory it runs in.
  });
  if (result.failure !== undefined) {
    throw new Error(`fio: ${result.failure}; ${lastLines(result.stderr || result.stdout)}`);
  }
  const text = readFileSync(answer, 'utf8');
  const parsed = JSON.parse(text.slice(text.indexOf('{')));
  const error = parsed.jobs?.[0]?.error;
  if (error !== 0) throw new Error(`fio reports error ${error}; ${lastLines(result.stderr)}`);
  return parsed;
}

/**
 * @param {any} answer fio's JSON
 * @param {FioJob} job
 * @param {'IOPS' | 'MiB/s'} unit
 * @returns {Measurement}
 */
export function readFioAnswer(answer, job, unit) {
  const side = answer.jobs[0][job.rw.endsWith('read') ? 'read' : 'write'];
  const value = unit === 'IOPS' ? side.iops : side.bw_bytes / MIB;
  if (!(value > 0)) throw new Error('fio did no I/O');
  const percentile = side.clat_ns?.percentile ?? {};
  return {
    value,
    requests: side.total_ios,
    p50us: toMicroseconds(percentile['50.000000']),
    p99us: toMicroseconds(percentile['99.000000']),
  };
}

/** @param {number | undefined} nanoseconds */
function toMicroseconds(nanoseconds) {
  return nanoseconds === undefined ? undefined : nanoseconds / 1000;
}
