import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { type ErrorCode, fail, type InterposerError } from '@interposer/core';

/** Programs that make a file of a disk. */
export interface FuseTools {
  readonly nbdfuse: string;
  readonly fusermount: string;
}

/** ENOTSUP, EACCES, ENOENT: what is in the way of a path, and what to do about it. */
export function findTools(): FuseTools {
  const inTheWay = obstacle();
  if (inTheWay !== undefined) throw inTheWay;
  return { nbdfuse: find('nbdfuse')!, fusermount: find('fusermount3')! };
}

function obstacle(): InterposerError | undefined {
  if (process.platform !== 'linux') {
    return refusal('ENOTSUP', `it is had on Linux only, and this is ${process.platform}`);
  }
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (absent)
      return refusal('ENOTSUP', 'there is no /dev/fuse; a container is given it by --device /dev/fuse');
    return refusal('EACCES', '/dev/fuse may not be used by this user');
  }
  if (find('nbdfuse') === undefined) {
    return refusal('ENOENT', 'nbdfuse is not installed; package libnbd-bin on Debian, nbdfuse on Fedora');
  }
  if (find('fusermount3') === undefined)
    return refusal('ENOENT', 'fusermount3 is not installed; package fuse3');
  return undefined;
}

function refusal(code: ErrorCode, why: string): InterposerError {
  return fail(code, `the disk can have no path: ${why}. Its uri works without`);
}

/** The full path of a program. */
function find(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
