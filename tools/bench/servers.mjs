// @ts-check
/** The servers: how each is started, when it is ready, how it ends, what CPU time it took. */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { lastLines, start } from './process.mjs';

/** @typedef {'ours' | import('./scenarios.mjs').PeerName} ServerName */

/**
 * @typedef {object} Server
 * @property {ServerName} name
 * @property {string} uri for fio and nbdcopy
 * @property {() => string | undefined} death why it is no longer there; undefined = it runs
 * @property {() => number | undefined} cpuSeconds user + system time so far, where the system tells
 * @property {() => Promise<void>} stop
 */

const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 5_000;
/** Of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The certificates of the tests. The client is told of none: fio lets no URI name a file, and libnbd checks none on UNIX sockets. */
const CERTIFICATES = fileURLToPath(new URL('../tls/x509', import.meta.url));

const OUR_FILTERS = ['delay 0', 'access', 'stats'];
const NBDKIT_FILTERS = ['--filter=delay', '--filter=error', '--filter=stats'];
const NBDKIT_SETTINGS = ['rdelay=0', 'wdelay=0', 'error-rate=0', 'statsfile=/dev/null'];

/**
 * The command line of a server. `disk` is the path of an image, or undefined for RAM.
 *
 * qemu-nbd admits one client unless told otherwise; four is what the widest scenario and nbdcopy
 * use. Everything else is the default of the program.
 *
 * With `filtered` each has three filters that let everything by: one that could delay, one that could refuse, one that
 * counts.
 *
 * With `backend`, the URI of another server, it passes on what it gets to that.
 *
 * @param {ServerName} name
 * @param {object} where
 * @param {string | undefined} where.disk
 * @param {string} where.ramSize
 * @param {string} where.socket
 * @param {string[]} where.oursPrefix
 * @param {boolean} [where.filtered]
 * @param {boolean} [where.tls]
 * @param {string} [where.backend]
 * @returns {string[]}
 */
export function serverCommand(name, { disk, ramSize, socket, oursPrefix, filtered, tls, backend }) {
  switch (name) {
    case 'ours': {
      const filters = filtered ? OUR_FILTERS.flatMap((filter) => ['--filter', filter]) : [];
      const secure = tls ? ['--tls', 'require', '--tls-certificates', CERTIFICATES] : [];
      const device = backend ?? disk ?? `ram:${ramSize}`;
      return [...oursPrefix, 'serve', device, '--unix', socket, ...secure, ...filters];
    }
    case 'nbdkit': {
      const own = disk === undefined ? ['memory', ramSize] : ['file', disk];
      const plugin = backend === undefined ? own : ['nbd', `uri=${backend}`];
      const secure = tls ? ['--tls=require', `--tls-certificates=${CERTIFICATES}`] : [];
      const [filters, settings] = filtered ? [NBDKIT_FILTERS, NBDKIT_SETTINGS] : [[], []];
      return ['nbdkit', '-f', '-U', socket, ...secure, ...filters, ...plugin, ...settings];
    }
    case 'qemu-nbd':
      if (disk === undefined) throw new Error('qemu-nbd has no RAM disk');
      return ['qemu-nbd', '-t', '--shared=4', '-k', socket, '-f', 'raw', '--cache=writeback', disk];
    default:
      throw new Error(`${name} is no server of its own`);
  }
}

/**
 * @param {ServerName} name
 * @param {string[]} command
 * @param {{ socket: string, cwd: string, tls?: boolean }} where
 * @returns {Promise<Server>} once its socket accepts
 * @throws {Error} when it does not come up
 */
export async function startServer(name, command, { socket, cwd, tls }) {
  const [program = '', ...args] = command;
  const { child, output, ended } = start(program, args, { cwd });
  let stopping = false;
  /** @type {string | undefined} */
  let death;
  void ended.then((failure) => {
    if (!stopping)
      death = [`${name} ended by itself: ${failure ?? 'exit code 0'}`, lastLines(output.stderr)]
        .filter(Boolean)
        .join('; ');
  });

  const stop = async () => {
    stopping = true;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  };
  try {
    await untilAccepting(socket, () => death);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name,
    uri: `${tls ? 'nbds' : 'nbd'}+unix:///?socket=${encodeURI(socket)}`,
    death: () => death,
    cpuSeconds: () => cpuSeconds(child.pid),
    stop,
  };
}

/**
 * @param {string} socket
 * @param {() => string | undefined} death
 */
async function untilAccepting(socket, death) {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await accepts(socket))) {
    const reason = death();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > deadline)
      throw new Error(`its socket does not accept after ${READY_WITHIN_MS} ms`);
    await sleep(20);
  }
}

/** @param {string} socket @returns {Promise<boolean>} */
function accepts(socket) {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** @param {number | undefined} pid */
function cpuSeconds(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name may hold spaces; the fields after it may not. utime and stime are 14 and 15.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
