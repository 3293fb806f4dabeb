// @ts-check
/** What the guest has: busybox, programs of the host with their libraries, modules, and the scripts to run. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeArchive } from './cpio.mjs';
import { findProgram, librariesOf } from './host.mjs';

const PROGRAM = 0o100755;
const FILE = 0o100644;

/**
 * Writes the first file system of the guest. init.sh, its first process, knows these paths.
 *
 * @param {string} archive path of the file to write
 * @param {object} content
 * @param {string[]} content.programs names of programs of the host, which the guest has in /usr/bin
 * @param {string[]} content.modules files of kernel modules, in the order of loading
 * @param {Record<string, string>} content.environment what the scripts find in their environment
 * @param {string[]} content.scripts text of shell scripts
 * @param {number} content.timeout seconds for each script
 */
export function writeInitramfs(archive, { programs, modules, environment, scripts, timeout }) {
  /** @type {import('./cpio.mjs').Entry[]} */
  const entries = [];
  /** @param {string} path @param {string} file of the host; symbolic links are followed */
  const copy = (path, file) => entries.push({ path, mode: PROGRAM, data: readFileSync(file) });
  /** @param {string} path @param {string} text */
  const write = (path, text) => entries.push({ path, mode: FILE, data: Buffer.from(text) });

  copy('init', fileURLToPath(new URL('init.sh', import.meta.url)));
  const libraries = new Set();
  for (const program of new Set(['busybox', ...programs])) {
    const file = findProgram(program);
    copy(program === 'busybox' ? 'bin/busybox' : `usr/bin/${program}`, file);
    for (const library of librariesOf(file)) libraries.add(library);
  }
  for (const library of libraries) copy(library.slice(1), library);
  for (const [index, module] of modules.entries())
    copy(`modules/${String(index).padStart(3, '0')}.ko`, module);

  write('run/environment', exportsOf({ ...environment, TIME_LIMIT: String(timeout) }));
  for (const [index, script] of scripts.entries()) write(`run/scripts/${index}`, script);
  writeArchive(archive, entries);
}

/** @param {Record<string, string>} environment @returns {string} commands of a shell */
function exportsOf(environment) {
  const quoted = Object.entries(environment).map(([name, value]) => [name, value.replaceAll("'", "'\\''")]);
  return quoted.map(([name, value]) => `export ${name}='${value}'\n`).join('');
}
