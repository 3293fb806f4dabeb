// @ts-check
/** Programs of the host: where they are, which package has them, what they need to run elsewhere. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

// mkfs and its like are not always on an ordinary user's PATH.
const SYSTEM_PATHS = ['/usr/sbin', '/sbin'];

/** Where a package of Debian is not called like its program. */
const PACKAGES = new Map([
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['busybox', 'busybox-static'],
  ['apt-cache', 'apt'],
  ['apt-get', 'apt'],
  ['dpkg-deb', 'dpkg'],
  ['ldd', 'libc-bin'],
  ['timeout', 'coreutils'],
  ['xz', 'xz-utils'],
  ['mke2fs', 'e2fsprogs'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['e2fsck', 'e2fsprogs'],
  ['mkfs.xfs', 'xfsprogs'],
  ['mkfs.btrfs', 'btrfs-progs'],
  ['cryptsetup', 'cryptsetup-bin'],
  ['veritysetup', 'cryptsetup-bin'],
]);

/**
 * @param {string} program
 * @returns {string} its path
 * @throws {Error} when it is not installed; says what to install
 */
export function findProgram(program) {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_PATHS];
  const path = directories.map((directory) => join(directory, program)).find(isExecutable);
  if (path !== undefined) return path;
  throw new Error(
    `not installed: ${program}; on Debian: apt-get install ${PACKAGES.get(program) ?? program}`,
  );
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {string} its standard output
 * @throws {Error} with what it said, unless it ends with 0
 */
export function run(program, args, { cwd } = {}) {
  const { status, stdout, stderr } = spawnSync(findProgram(program), args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${status ?? 'a signal'}: ${stderr.trim()}`);
}

/**
 * @param {string} path of a program
 * @returns {string[]} paths of the shared libraries that it loads, its loader too; none for a script
 */
export function librariesOf(path) {
  const { stdout } = spawnSync(findProgram('ldd'), [path], { encoding: 'utf8' });
  // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", or for the loader "/lib64/ld-linux-x86-64.so.2 (0x...)".
  return [...stdout.matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm)].map(
    ([, library]) => /** @type {string} */ (library),
  );
}
