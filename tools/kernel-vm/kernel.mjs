// @ts-check
/** The kernel of the guest: a package of the distribution, downloaded and unpacked once, never installed. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './host.mjs';

/** Debian's kernel for virtual machines: virtio, and few drivers besides. It depends on the package that has it. */
const META_PACKAGE = 'linux-image-cloud-amd64';
const PACKAGE = /Depends: (linux-image-\S+-cloud-amd64)/;

const cache = fileURLToPath(new URL('../../.cache/kernel-vm', import.meta.url));
/** A package to take instead of the one that the distribution would, such as linux-image-6.12.107+deb12-cloud-amd64. */
const chosen = process.env['INTERPOSER_VM_KERNEL'];
const kernelFolder = join(cache, chosen ?? 'kernel');
/** A folder with modules that the package has not: somebody built them for this kernel. */
const extraModules = process.env['INTERPOSER_VM_MODULES'];

/**
 * @typedef {object} Kernel
 * @property {string} image path of the bootable file
 * @property {string} modules folder with kernel/, modules.builtin and modules.order
 */

/** @returns {boolean} whether the kernel is there, so that nothing has to be downloaded */
export function hasKernel() {
  return existsSync(kernelFolder);
}

/**
 * The kernel, downloaded by apt-get if this is the first time (27 MB; no superuser needed).
 *
 * @returns {Kernel}
 * @throws {Error} when there is no such package, or apt-get cannot reach its source
 */
export function getKernel() {
  if (!hasKernel()) fetchKernel();
  const boot = join(kernelFolder, 'boot');
  const image = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  // Packages of newer releases know nothing of /lib.
  const tree = ['lib/modules', 'usr/lib/modules']
    .map((path) => join(kernelFolder, path))
    .find((path) => existsSync(path));
  if (image === undefined || tree === undefined) {
    throw new Error(`${kernelFolder} has no kernel or no modules; remove the folder and try again`);
  }
  return { image: join(boot, image), modules: join(tree, readdirSync(tree)[0] ?? '') };
}

/** Renames at the end: a download that was interrupted, or two at once, leave a whole kernel or none. */
function fetchKernel() {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'fetching-'));
  try {
    run('apt-get', ['download', '-q', packageName()], { cwd: folder });
    const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
    run('dpkg-deb', ['--extract', join(folder, file ?? ''), join(folder, 'kernel')]);
    decompressModules(join(folder, 'kernel'));
    // Another process may have been faster.
    if (!hasKernel()) renameSync(join(folder, 'kernel'), kernelFolder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packageName() {
  if (chosen !== undefined) return chosen;
  const found = PACKAGE.exec(run('apt-cache', ['depends', META_PACKAGE]));
  if (found?.[1] === undefined) {
    throw new Error(`apt-cache knows no ${META_PACKAGE}: is this Debian on amd64, after apt-get update?`);
  }
  return found[1];
}

/** Newer releases compress modules, which the guest's insmod cannot undo. @param {string} folder */
function decompressModules(folder) {
  const names = /** @type {string[]} */ (readdirSync(folder, { recursive: true }));
  const compressed = names.filter((name) => name.endsWith('.ko.xz'));
  if (compressed.length > 0) run('xz', ['--decompress', ...compressed], { cwd: folder });
}

/**
 * The files of modules and of all that they need, in the order in which they have to be loaded.
 *
 * @param {Kernel} kernel
 * @param {Iterable<string>} wanted names such as `nbd`; one that is built into the kernel needs no file
 * @returns {string[]} paths
 * @throws {Error} naming a module that is not there
 */
export function moduleFiles({ modules }, wanted) {
  const loadable = filesByName(readFileSync(join(modules, 'modules.order'), 'utf8'), modules);
  for (const [name, file] of filesByName(listExtraModules(), extraModules ?? '')) loadable.set(name, file);
  const builtIn = filesByName(readFileSync(join(modules, 'modules.builtin'), 'utf8'), modules);
  /** @type {Set<string>} */
  const files = new Set();
  /** @param {string} name */
  const add = (name) => {
    const file = loadable.get(name);
    if (file === undefined) {
      if (builtIn.has(name)) return;
      throw new Error(
        `the kernel has no module ${name}; INTERPOSER_VM_MODULES names a folder with further ones`,
      );
    }
    if (files.has(file)) return;
    for (const needed of dependencies(readFileSync(file))) add(needed);
    files.add(file);
  };
  for (const name of wanted) add(moduleName(name));
  return [...files];
}

/** A line for each of the extra modules. */
function listExtraModules() {
  if (extraModules === undefined) return '';
  const files = readdirSync(extraModules).filter((name) => name.endsWith('.ko'));
  return files.join('\n');
}

/**
 * @param {string} list of paths, a line each
 * @param {string} folder that they are relative to
 * @returns {Map<string, string>} whole paths by the name of the module
 */
function filesByName(list, folder) {
  const files = list.split('\n').filter((line) => line !== '');
  return new Map(
    files.map((file) => [moduleName(/** @type {string} */ (file.split('/').at(-1))), join(folder, file)]),
  );
}

/** Files are called dm-mod.ko, dependencies and /proc/modules say dm_mod. @param {string} name */
function moduleName(name) {
  return name.replace(/\.ko(\..*)?$/, '').replaceAll('-', '_');
}

/** What the section .modinfo says: texts that end with a zero byte. @param {Buffer} file @returns {string[]} */
function dependencies(file) {
  const mark = '\0depends=';
  const start = file.indexOf(mark) + mark.length;
  if (start < mark.length) return [];
  const names = file.toString('latin1', start, file.indexOf(0, start));
  return names.split(',').filter(Boolean).map(moduleName);
}
