import { chmodSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';
import { prepareDirectory } from './socket-path.ts';
import { isAlive } from './is-alive.ts';

const ATTEMPTS = 10;

/**
 * Makes a server listen on a UNIX socket of mode 0600. The socket is made under a name of its own, and gets the real one by
 * a link when it is ready: nobody meets it with other permissions, and of several that start at once one wins. EBUSY if
 * somebody listens there. The returned function takes the name away again.
 */
export async function publishSocket(server: Server, path: string): Promise<() => void> {
  prepareDirectory(dirname(path));
  const own = join(dirname(path), `.i${process.pid.toString(36)}`);
  rmSync(own, { force: true });
  await listen(server, own);
  try {
    chmodSync(own, 0o600);
    await linkWhenFree(own, path);
    const { ino } = lstatSync(path);
    return () => {
      // Somebody may have put another in its place.
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
    };
  } catch (error) {
    server.close();
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(fromSystemError(error, `the control socket cannot be made in ${dirname(path)}`));
    });
    server.listen(path, resolve);
  });
}

async function linkWhenFree(own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      linkSync(own, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fromSystemError(error, `socket ${path}`);
    }
    await removeDead(path);
  }
  throw fail('EBUSY', `${path} cannot be taken over`);
}

/** Takes away what a killed daemon left. Moved aside before it is looked at, so that two who do this do not meet. */
async function removeDead(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw fail('EEXIST', `${path} is there and is no socket`);
  if (await isAlive(path)) throw fail('EBUSY', `a daemon listens on ${path} already`);
  const aside = join(dirname(path), `.o${process.pid.toString(36)}`);
  try {
    renameSync(path, aside);
  } catch {
    return; // Another was faster.
  }
  // Between the look and the move another may have put a living one there: it goes back.
  if (await isAlive(aside)) linkSync(aside, path);
  rmSync(aside, { force: true });
}
