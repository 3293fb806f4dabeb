import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, fromSystemError } from '@interposer/core';
import { findTools } from './fuse-tools.ts';
import { keepAtExit, removeAtExit } from './leftovers.ts';
import type { DiskServer } from './server.ts';

/** Name of the file that is the disk. */
const FILE = 'disk';

/** Milliseconds that nbdfuse may take to make the file. */
const START_LIMIT = 30_000;

/** Milliseconds between looks for the file. */
const LOOK_INTERVAL = 5;

/** Characters that are kept of what nbdfuse complains of. */
const MAX_COMPLAINT = 1000;

/**
 * Waits for a word, or the end of its input, which comes when whoever started it is gone, however that came. Then it takes the
 * mount away, though somebody may still have the file open, and if there was no word the folder.
 */
const GUARD = 'read -r word; "$1" -u -z "$2" 2>/dev/null; [ -n "$word" ] || rm -rf -- "$3"';

/** A disk as a file: nbdfuse, and a guard that outlives this process by a moment. */
export class Mount {
  /** The file. */
  readonly path: string;
  readonly #folder: string;
  readonly #fuse: ChildProcess;
  readonly #guard: ChildProcess;

  private constructor(path: string, folder: string, fuse: ChildProcess, guard: ChildProcess) {
    this.path = path;
    this.#folder = folder;
    this.#fuse = fuse;
    this.#guard = guard;
  }

  /** ENOTSUP, EACCES, ENOENT: what it takes is not there. EIO, ETIMEDOUT: nbdfuse could not. */
  static async start({ folder, socket }: DiskServer): Promise<Mount> {
    const { nbdfuse, fusermount } = findTools();
    const point = join(folder, 'mount');
    await mkdir(point, { mode: 0o700 });
    const guard = await started(
      spawn('/bin/sh', ['-c', GUARD, 'interposer-disk', fusermount, point, folder], {
        stdio: ['pipe', 'ignore', 'ignore'],
        // A signal to the group, such as that of Ctrl-C, is not for it: it has work to do then.
        detached: true,
      }),
    );
    // Its end may come before ours.
    guard.stdin?.on('error', () => undefined);
    keepAtExit(folder);
    const file = join(point, FILE);
    const fuse = spawn(nbdfuse, [file, '--unix', socket], { stdio: ['ignore', 'ignore', 'pipe'] });
    const mount = new Mount(file, folder, fuse, guard);
    try {
      await started(fuse);
      await appeared(file, fuse);
    } catch (error) {
      await mount.close();
      throw error;
    }
    return mount;
  }

  /** Takes the mount away. The folder is its server's again. */
  async close(): Promise<void> {
    removeAtExit(this.#folder);
    const guarded = ended(this.#guard);
    this.#guard.stdin?.end('unmount\n');
    await guarded;
    const stopped = ended(this.#fuse);
    this.#fuse.kill('SIGKILL');
    await stopped;
  }
}

/** Resolves when the program runs. */
function started(child: ChildProcess): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (error) => reject(fromSystemError(error, child.spawnfile)));
  });
}

/** Resolves when a program has ended, or never ran. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Resolves when nbdfuse has made the file, or tells why it did not. */
async function appeared(file: string, fuse: ChildProcess): Promise<void> {
  let complaint = '';
  fuse.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT);
  });
  const closed = new Promise((resolve) => fuse.once('close', resolve));
  for (let waited = 0; waited < START_LIMIT; waited += LOOK_INTERVAL) {
    if (await exists(file)) return;
    if (hasEnded(fuse)) {
      await closed;
      throw fail('EIO', `the disk got no path; nbdfuse ended: ${complaint.trim()}`);
    }
    await sleep(LOOK_INTERVAL);
  }
  throw fail('ETIMEDOUT', `nbdfuse made no file in ${String(START_LIMIT / 1000)} s`);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
