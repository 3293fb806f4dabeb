// @ts-check
/** Reads of one size, always so many under way, and what they cost. */

import { monitorEventLoopDelay } from 'node:perf_hooks';

const MIB = 1024 * 1024;
const NANOSECONDS = 1e6;
/** Milliseconds between looks at the event loop; each is counted with the time before it. */
const LOOK = 1;

/**
 * @typedef {object} Cost
 * @property {number} processor microseconds of all threads for each MiB
 * @property {number} wall microseconds for each MiB
 * @property {number} stall milliseconds: 99 of 100 looks at how late the event loop is found it less late
 */

/**
 * Reads a device from its begin on, again and again, until so many MiB have come.
 *
 * @param {any} port of core
 * @param {{ bytes: number, depth: number, mebibytes: number }} how `bytes` of one read
 * @returns {Promise<Cost>}
 */
export async function readAll(port, { bytes, depth, mebibytes }) {
  const sectors = bytes / 512;
  const reads = (mebibytes * MIB) / bytes;
  const places = Math.floor(port.limits.sectors / sectors);
  const delay = monitorEventLoopDelay({ resolution: LOOK });
  delay.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const readOn = async () => {
    const buffer = Buffer.alloc(bytes);
    while (next < reads) await port.read((next++ % places) * sectors, sectors, buffer);
  };
  await Promise.all(Array.from({ length: depth }, readOn));
  const wall = ((performance.now() - start) * 1000) / mebibytes;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  return { processor: (user + system) / mebibytes, wall, stall: delay.percentile(99) / NANOSECONDS - LOOK };
}
