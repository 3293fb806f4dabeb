import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanups } from './opened.ts';

/** A folder that is removed when the test is over. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'interposer-nbd-'));
  cleanups.push(() => rm(path, { recursive: true }));
  return path;
}

/** Starts a server and resolves when its socket answers. The result ends it with a signal. */
export async function serve(
  socket: string,
  program: string,
  ...words: string[]
): Promise<(signal: NodeJS.Signals) => Promise<unknown>> {
  const child: ChildProcess = spawn(program, words, { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const end = (signal: NodeJS.Signals): Promise<unknown> => {
    child.kill(signal);
    return gone;
  };
  cleanups.push(() => end('SIGTERM'));
  while (!existsSync(socket) || !(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return end;
}

/** As `serve`, for a server that is started anew whenever it dies. The result kills it. */
export async function keepServing(socket: string, program: string, ...words: string[]): Promise<() => void> {
  const state = { stopped: false };
  let child: ChildProcess;
  let gone: Promise<void>;
  const start = (): void => {
    child = spawn(program, words, { stdio: 'ignore' });
    gone = new Promise((resolve) => child.once('exit', resolve)).then(async () => {
      await rm(socket, { force: true });
      if (!state.stopped) start();
    });
  };
  start();
  cleanups.push(() => {
    state.stopped = true;
    child.kill('SIGTERM');
    return gone;
  });
  while (!existsSync(socket) || !(await answers(socket))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return () => child.kill('SIGKILL');
}

/** As `serve`, for a server that goes into the background, and tells its process number in a file. */
export async function serveAsDaemon(
  socket: string,
  pidFile: string,
  program: string,
  ...words: string[]
): Promise<void> {
  const child = spawn(program, words, { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}`);
  while (!existsSync(socket) || !existsSync(pidFile) || !(await answers(socket))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pid = Number(await readFile(pidFile, 'utf8'));
  cleanups.push(() => process.kill(pid, 'SIGTERM'));
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
