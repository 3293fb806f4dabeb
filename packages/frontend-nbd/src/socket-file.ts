import { fail, fromSystemError } from '@interposer/core';
import { chmodSync, lchownSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { NbdUnixAddress } from './options.ts';

const OWNER_ONLY = 0o600;
const ALL_MODES = 0o777;

/** Linux: unix(7), `sun_path` less its end. Node cuts what is longer, and would listen somewhere else. */
const MAX_PATH_BYTES = 107;

/** Where group names are. Format: group(5). */
const GROUPS = '/etc/group';

/** Calls something that creates a file at once, which so is its owner's only where the mask of the process can be set. */
export function privately<Result>(create: () => Result): Result {
  if (!isMainThread) return create();
  const mask = process.umask(ALL_MODES & ~OWNER_ONLY);
  try {
    return create();
  } finally {
    process.umask(mask);
  }
}

/** EINVAL for a path that no socket can have. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw fail(
      'EINVAL',
      `the path of a UNIX socket has at most ${String(MAX_PATH_BYTES)} bytes, and ${path} has ${String(bytes)}`,
    );
  }
}

/** Who may connect to a socket file. */
export interface SocketAccess {
  readonly mode: number;
  /** A number; absent: the group that the file has. */
  readonly group: number | undefined;
}

/** What an address asks for. EINVAL for a mode or group that is none. */
export function socketAccessOf({ mode = OWNER_ONLY, group }: NbdUnixAddress): SocketAccess {
  if (!Number.isInteger(mode) || mode < 0 || mode > ALL_MODES) {
    throw fail('EINVAL', `${String(mode)} is no mode of a socket, which is 0 to 0o777`);
  }
  return { mode, group: typeof group === 'string' ? groupId(group) : group };
}

/** Gives a private socket file its group first and then its mode, so that it is never open to more than it shall be. */
export function openUp(path: string, { mode, group }: SocketAccess): void {
  try {
    if (group !== undefined) lchownSync(path, -1, group);
    chmodSync(path, mode);
  } catch (error) {
    throw fromSystemError(error, `cannot set mode and group of ${path}`);
  }
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  for (const line of readFileSync(GROUPS, 'utf8').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === group && id !== undefined) return Number(id);
  }
  throw fail('EINVAL', `there is no group "${group}" in ${GROUPS}; its number does as well`);
}
