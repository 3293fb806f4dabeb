// @ts-check
/** Our daemon with an export: a server whose devices and filters come and go while it runs. */

import { join } from 'node:path';
import { lastLines, runTool } from './process.mjs';
import { startServer } from './servers.mjs';

/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./servers.mjs').Server} Server */

/** The number of a RAM disk that is the only device. */
export const RAM_DISK = '1:0';

/** To be exported. @param {Setting} setting */
export const ramDisk = (setting) => async () => `ram:${setting.ramSize}`;

/**
 * @typedef {object} Daemon
 * @property {Server} server
 * @property {string[]} command how it was started
 * @property {string} controlSocket
 * @property {string} exportSocket
 * @property {Run} run
 */

/** @typedef {(...words: string[]) => Promise<void>} Run a verb of the command line */

/**
 * @param {string} name for its sockets
 * @param {Setting} setting
 * @param {(run: Run) => Promise<string>} prepare makes the device that is exported, and answers what it is called
 * @returns {Promise<Daemon>} once the device is exported
 * @throws {Error} when it does not come up
 */
export async function startDaemon(name, { oursPrefix, workDir, root }, prepare) {
  const controlSocket = join(workDir, `${name}.control`);
  const exportSocket = join(workDir, `${name}.sock`);
  const command = [...oursPrefix, 'daemon', '--foreground', '--socket', controlSocket];
  const daemon = await startServer('ours', command, { socket: controlSocket, cwd: root });
  /** @type {Run} */
  const run = async (...words) => {
    const [program = '', ...args] = [...oursPrefix, ...words, '--socket', controlSocket];
    const { failure, stderr } = await runTool(program, args, { cwd: root });
    if (failure !== undefined) throw new Error(`${words.join(' ')}: ${failure}; ${lastLines(stderr)}`);
  };
  try {
    await run('export', 'add', await prepare(run), '--unix', exportSocket);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  const server = { ...daemon, uri: `nbd+unix:///?socket=${encodeURI(exportSocket)}` };
  return { server, command, controlSocket, exportSocket, run };
}
