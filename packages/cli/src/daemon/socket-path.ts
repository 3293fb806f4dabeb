import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';

/** What the kernel's address structure holds, without the closing NUL. */
const MAX_SOCKET_PATH = 107;

/** What the place of the control socket depends on. */
export interface SocketChoice {
  /** What the user asked for. */
  readonly socket?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Path of the control socket: as asked for, or INTERPOSER_SOCKET, or `interposer.sock` in XDG_RUNTIME_DIR, or in a
 * directory of the user's own below the directory for temporary files.
 */
export function controlSocketPath({ socket, env, cwd }: SocketChoice): string {
  const asked = socket ?? env.INTERPOSER_SOCKET;
  if (asked !== undefined && asked !== '') return checkLength(resolve(cwd, asked));
  if (env.XDG_RUNTIME_DIR !== undefined && env.XDG_RUNTIME_DIR !== '') {
    return checkLength(join(env.XDG_RUNTIME_DIR, 'interposer.sock'));
  }
  const directory = join(tmpdir(), `interposer-${String(userId())}`);
  prepareDirectory(directory);
  assertOwn(directory);
  return checkLength(join(directory, 'control.sock'));
}

/** Where the daemon of a control socket keeps what belongs to it alone. */
export function runtimeFolder(socket: string): string {
  return `${socket}.d`;
}

/** Makes the directory of a socket if there is none, for this user only. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, `the directory ${directory} cannot be made`);
  }
}

/** Everybody may make a directory of that name in the shared one: another's must not be trusted. */
function assertOwn(directory: string): void {
  const { uid, mode } = lstatSync(directory);
  const isOwn = lstatSync(directory).isDirectory() && uid === userId() && (mode & 0o077) === 0;
  if (!isOwn) {
    throw fail(
      'EACCES',
      `${directory} must be a directory of user ${String(userId())} with mode 0700; use --socket`,
    );
  }
}

function checkLength(path: string): string {
  // A name of the same length at most is needed beside it while the socket is set up.
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH || Buffer.byteLength(dirname(path)) > MAX_SOCKET_PATH - 12) {
    throw fail('EINVAL', `the socket path ${path} is longer than ${String(MAX_SOCKET_PATH - 12)} bytes`);
  }
  return path;
}

function userId(): number {
  return process.getuid?.() ?? 0;
}
