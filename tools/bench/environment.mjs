// @ts-check
/** Where and with what a result was measured. */

import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { isInstalled, runTool } from './process.mjs';

const PROGRAMS = ['nbdkit', 'qemu-nbd', 'fio', 'nbdcopy'];

/** @param {string} root the repository */
export async function describeEnvironment(root) {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    revision: await revision(root),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cpus: processors.length,
    load: loadavg()[0] ?? 0,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: `${type()} ${release()}`,
    node: process.version,
    programs: Object.fromEntries(
      await Promise.all(
        PROGRAMS.map(async (name) => /** @type {const} */ ([name, await programVersion(name)])),
      ),
    ),
  };
}

/**
 * What else was running shortly before. With that, even a server against itself differs by half.
 *
 * @param {{ load: number, cpus: number }} environment
 * @returns {string | undefined} a warning
 */
export function busyWarning({ load, cpus: count }) {
  if (load < count / 4) return undefined;
  return `this machine is busy (load ${load.toFixed(1)} on ${count} CPUs): the results will say little`;
}

/** @param {string} program @returns {Promise<string | null>} null = not installed */
async function programVersion(program) {
  if (!isInstalled(program)) return null;
  const { stdout } = await runTool(program, ['--version'], { timeoutSeconds: 10 });
  return stdout.split('\n')[0]?.trim() ?? '';
}

/** @param {string} root @returns {Promise<string | null>} the commit, with "+" for changes on top */
async function revision(root) {
  const commit = await runTool('git', ['rev-parse', '--short', 'HEAD'], { cwd: root });
  if (commit.failure !== undefined) return null;
  const status = await runTool('git', ['status', '--porcelain'], { cwd: root });
  return commit.stdout.trim() + (status.stdout === '' ? '' : '+');
}
