// @ts-check
/** The archive that a kernel takes as its first file system: cpio, format "newc" (initramfs buffer format). */

import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * @typedef {object} Entry
 * @property {string} path inside the archive, without a slash at its start
 * @property {number} mode type and permissions, as in stat
 * @property {Uint8Array} [data] of a regular file
 * @property {[number, number]} [device] major and minor number of a device node
 */

const DIRECTORY = 0o040755;
const CONSOLE = 0o020600;

/**
 * Writes the archive, with the folders that the entries need, and /dev/console, without which the first process
 * would have no standard error.
 *
 * @param {string} archive path of the file to write
 * @param {Iterable<Entry>} entries no folders; a path that comes twice is written twice, and the later one wins
 */
export function writeArchive(archive, entries) {
  const file = openSync(archive, 'w');
  const folders = new Set();
  let number = 0;
  /** @param {Entry} entry */
  const put = (entry) => {
    for (const block of encode(entry, ++number)) writeSync(file, block);
  };
  try {
    for (const entry of [{ path: 'dev/console', mode: CONSOLE, device: [5, 1] }, ...entries]) {
      for (const folder of foldersOf(entry.path)) {
        if (!folders.has(folder)) put({ path: folder, mode: DIRECTORY });
        folders.add(folder);
      }
      put(/** @type {Entry} */ (entry));
    }
    put({ path: 'TRAILER!!!', mode: 0 });
  } finally {
    closeSync(file);
  }
}

/** @param {string} path @returns {string[]} the folders above it, outermost first */
function foldersOf(path) {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** @param {Entry} entry @param {number} number its inode @returns {Buffer[]} the bytes of one entry */
function encode({ path, mode, data = new Uint8Array(), device = [0, 0] }, number) {
  // inode, mode, user, group, links, time, size, device of the archive (2), of the node (2), length of name, checksum
  const fields = [number, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, Buffer.byteLength(path) + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
  return [padded(Buffer.from(header)), padded(data)];
}

/** @param {Uint8Array} bytes @returns {Buffer} with zeroes up to a multiple of four */
function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
