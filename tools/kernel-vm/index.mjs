#!/usr/bin/env node
// @ts-check
/** The command: runs scripts in a real Linux kernel. README.md has examples. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findProgram } from './host.mjs';
import { getKernel } from './kernel.mjs';
import { runScriptsInVm } from './run.mjs';

const USAGE = `usage: node tools/kernel-vm/index.mjs [options] SCRIPT...   run shell scripts in one boot of a kernel
       node tools/kernel-vm/index.mjs setup                  only see to it that the kernel is there
  --program NAME    a program of the host that the scripts use (may be repeated, as all of these)
  --module NAME     a kernel module to load
  --disk FILE       an image: /dev/vda, /dev/vdb, ...
  --nbd SOCKET      a UNIX socket of an NBD server: nbd-client $NBD0 /dev/nbd0, $NBD1 ...
  --timeout S       seconds for each script (default 60)
  --processors N    of the guest (default 1)
  --memory MIB      of the guest (default 512)
Exit status: of the first script that does not end with 0; 125 when the machine fails.`;

/** Nobody attaches an NBD server without these. */
const FOR_NBD = { programs: ['nbd-client'], modules: ['nbd'] };

/** @returns {Promise<number>} exit status */
async function main() {
  const several = /** @type {const} */ ({ type: 'string', multiple: true });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      program: several,
      module: several,
      disk: several,
      nbd: several,
      timeout: { type: 'string' },
      processors: { type: 'string' },
      memory: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || positionals.length === 0) {
    console.error(USAGE);
    return values.help ? 0 : 125;
  }
  if (positionals.length === 1 && positionals[0] === 'setup') return setup();
  const { nbd = [], program = [], module = [], disk = [] } = values;
  const extra = nbd.length > 0 ? FOR_NBD : { programs: [], modules: [] };
  const results = await runScriptsInVm({
    programs: [...extra.programs, ...program],
    modules: [...extra.modules, ...module],
    disks: disk.map((path) => ({ path })),
    nbdSockets: nbd,
    ...numberOption('timeout', values.timeout),
    ...numberOption('processors', values.processors),
    ...numberOption('memory', values.memory),
    scripts: positionals.map((path) => readFileSync(path, 'utf8')),
  });
  for (const { stdout, stderr } of results) {
    process.stdout.write(stdout);
    process.stderr.write(stderr);
  }
  return results.find(({ status }) => status !== 0)?.status ?? 0;
}

/** @returns {number} exit status */
function setup() {
  for (const program of ['qemu-system-x86_64', 'busybox']) findProgram(program);
  console.log(getKernel().image);
  return 0;
}

/** @param {string} name @param {string | undefined} text @returns {Record<string, number>} empty unless it was given */
function numberOption(name, text) {
  if (text === undefined) return {};
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return { [name]: Number(text) };
}

for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])) {
  // An exit ends the machine, a signal alone would not.
  process.on(signal, () => process.exit(128 + number));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 125;
}
