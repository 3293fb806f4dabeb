import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** How the names of the folders of disks begin. */
export const FOLDER_PREFIX = 'interposer-disk-';

/** Name of the socket in such a folder. */
export const SOCKET = 'nbd.sock';

const folders = new Set<string>();
let swept: Promise<void> | null = null;

/** A folder that goes with the process, if nobody removes it before. */
export function removeAtExit(folder: string): void {
  if (folders.size === 0) process.once('exit', removeAll);
  folders.add(folder);
}

/** Somebody else sees to it. */
export function keepAtExit(folder: string): void {
  folders.delete(folder);
  if (folders.size === 0) process.off('exit', removeAll);
}

/** Once in a process: removes the folders of disks whose process was killed, which nobody answers for any more. */
export function sweep(): Promise<void> {
  return (swept ??= removeStale());
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

async function removeStale(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    // One that is another user's, or still mounted, stays.
    if (await isStale(join(folder, SOCKET))) await rm(folder, { recursive: true }).catch(() => undefined);
  }
}

/** Whether there is a socket of which no process is the server. One that is just being made is not there yet. */
function isStale(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket);
    client.once('connect', () => {
      client.destroy();
      resolve(false);
    });
    client.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
