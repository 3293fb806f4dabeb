// @ts-check
/** The images: made full (a hole would be a different benchmark), warm, and settled between runs. */

import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

const MIB = 1024 * 1024;

/** @param {string} path @param {number} mebibytes */
export function makeImage(path, mebibytes) {
  const chunk = randomFillSync(Buffer.allocUnsafe(MIB));
  const file = openSync(path, 'w');
  try {
    for (let index = 0; index < mebibytes; index++) {
      // Each MiB differs, so a server that answers from the wrong place cannot look right.
      chunk.writeUInt32LE(index, 0);
      writeSync(file, chunk, 0, MIB, index * MIB);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The path of a server's own copy of an image: a server locks what it serves. @param {string} name @param {string} path */
export function copyFor(name, path) {
  return `${path}.${name}`;
}

/** Brings the image into the page cache. @param {string} path */
export function warmImage(path) {
  const chunk = Buffer.allocUnsafe(MIB);
  const file = openSync(path, 'r');
  try {
    while (readSync(file, chunk, 0, MIB, null) > 0);
  } finally {
    closeSync(file);
  }
}

/** Writes dirty pages out now, so that they are not charged to whoever runs next. @param {string} path */
export function settleImage(path) {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
