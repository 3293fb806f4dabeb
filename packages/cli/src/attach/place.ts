import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';
import { resolveForUser } from '../working-directory.ts';
import type { PlaceKind } from './choose-method.ts';

/** Where the user wants an attachment. */
export interface Place {
  readonly kind: PlaceKind;
  /** Without symbolic links, as the table of mounts has it; undefined if there is none. */
  readonly path: string | undefined;
}

/** What stands at a mount point. ENOENT if nothing does, EINVAL if it is neither a directory nor a file. */
export async function findPlace(mountPoint: string | undefined): Promise<Place> {
  if (mountPoint === undefined) return { kind: 'none', path: undefined };
  const asked = resolveForUser(mountPoint);
  // Not in this turn: the path may lead into a file system that this very process serves.
  const found = await stat(asked).catch((error: unknown) => {
    throw fromSystemError(error, `no mount point ${mountPoint}`);
  });
  const kind = found.isDirectory() ? 'directory' : 'file';
  if (kind === 'file' && !found.isFile()) {
    throw fail('EINVAL', `${mountPoint} is neither a directory nor a file`);
  }
  return { kind, path: await realpath(asked) };
}

/** What a word of the user means as a path, links followed as far as they can be: a dead mount cannot be looked into. */
export async function pathsOf(word: string): Promise<string[]> {
  const path = resolveForUser(word);
  try {
    return [path, await realpath(path)];
  } catch {
    const directory = await realpath(dirname(path)).catch(() => dirname(path));
    return [path, join(directory, basename(path))];
  }
}
