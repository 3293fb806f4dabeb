import { spawn } from 'node:child_process';
import { type ErrorCode, fail, isInterposerError } from '@interposer/core';
import { connect, type ConnectOptions, type RemoteService } from './remote.ts';

/** What starting a daemon takes. */
export interface StartOptions {
  readonly socket: string;
  /** Where the daemon starts, and looks for plugins. */
  readonly cwd: string;
  /** The program that runs a daemon for the arguments `daemon --socket PATH --started`. */
  readonly script: string;
  readonly plugins: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How connecting fails where no daemon is; one that was killed takes connections until its last thread has ended. */
const NONE_THERE: readonly string[] = ['ENOENT', 'ECONNREFUSED', 'ESHUTDOWN'];

/** What a daemon that was started tells its parent, once. */
export type StartReport =
  | { readonly ready: true; readonly problems: readonly string[] }
  | { readonly ready: false; readonly code: ErrorCode; readonly message: string };

/** Connects to the daemon of a socket; starts it if there is none. `onProblem` is told of plugins that did not load. */
export async function connectOrStart(
  options: StartOptions,
  onProblem: (problem: string) => void,
): Promise<RemoteService> {
  const running = await tryConnect(options);
  if (running !== undefined) return running;
  try {
    const report = await startDaemon(options);
    report.problems.forEach(onProblem);
  } catch (error) {
    // Another may have started one in the meantime, which is as good.
    if (!isInterposerError(error) || error.code !== 'EBUSY') throw error;
  }
  return connect(options.socket, options);
}

/** The connection if a daemon runs; undefined if none does, or only one that is ending. */
export async function tryConnect(
  options: { readonly socket: string } & ConnectOptions,
): Promise<RemoteService | undefined> {
  try {
    return await connect(options.socket, options);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (isInterposerError(error) && NONE_THERE.includes(cause?.code ?? error.code)) return undefined;
    throw error;
  }
}

/** Starts a daemon in the background. Resolves when it listens; rejects with what it could not do. */
export async function startDaemon(options: StartOptions): Promise<{ readonly problems: readonly string[] }> {
  const report = await spawnDaemon(options);
  if (report.ready) return report;
  throw fail(report.code, `the daemon did not start: ${report.message}`);
}

function spawnDaemon({ script, socket, plugins, env, cwd }: StartOptions): Promise<StartReport> {
  const named = plugins.flatMap((plugin) => ['--plugin', plugin]);
  const args = [...process.execArgv, script, 'daemon', '--socket', socket, '--started', ...named];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env,
    cwd,
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('message', (report) => {
      child.disconnect();
      child.stderr?.destroy();
      child.unref();
      resolve(report as StartReport);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      reject(
        fail(
          'EIO',
          `the daemon ended with exit code ${String(code)} before it listened: ${complaint.trim()}`,
        ),
      );
    });
  });
}
