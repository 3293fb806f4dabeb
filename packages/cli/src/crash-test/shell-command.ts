import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fromSystemError } from '@interposer/core';
import { LineSplitter } from '../daemon/line-splitter.ts';

/** Characters of what a command wrote that are kept, the latest. */
const MAX_TAIL = 4000;

/** Milliseconds that a command which is to end may take for it, before it is killed; and that its output may stay open after it. */
const GRACE = 2000;

/** A command of the user's, as `sh -c` takes it, and what it runs with. */
export interface ShellRequest {
  readonly command: string;
  readonly cwd: string;
  /** In addition to the environment of the user. */
  readonly env: Readonly<Record<string, string>>;
  readonly userEnv: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until it is ended; absent: it may take its time. */
  readonly timeout?: number;
  /** Ends it when it aborts. */
  readonly stop: AbortSignal;
  /** Each line of standard output when it has arrived, without its newline; null for one that is longer than `maxLine`. */
  readonly onLine?: (line: Uint8Array | null) => void;
  /** In bytes. */
  readonly maxLine?: number;
  /** Whatever it writes to standard output and standard error. */
  readonly onOutput?: (text: Uint8Array) => void;
}

/** How a command ended. */
export interface ShellResult {
  /** null: a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** The end of what it wrote to standard output and standard error, as it came. */
  readonly tail: string;
}

/** Those that run. */
const running = new Set<Child>();

type Child = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Runs a command in a process group of its own, so that nothing of it is left: what still runs when the command has ended, when
 * its time is over or when the user has had enough is ended with it. Resolves when all of that is gone. What has made itself a
 * session of its own, as daemons do, gets away, and is not waited for.
 */
export async function runShell(request: ShellRequest): Promise<ShellResult> {
  const { command, cwd, env, userEnv, stop } = request;
  const child = spawn('/bin/sh', ['-c', command], {
    cwd,
    env: { ...userEnv, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watch(child);
  const tail = watchOutput(child, request);
  let timedOut = false;
  const end = (): void => {
    endGroup(child);
  };
  const timer = setTimeout(
    () => {
      timedOut = true;
      end();
    },
    Math.min(request.timeout ?? NO_LIMIT, NO_LIMIT),
  );
  if (stop.aborted) end();
  stop.addEventListener('abort', end);
  try {
    const how = await ending(child);
    return { ...how, timedOut, tail: tail() };
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
    unwatch(child);
  }
}

/** A process that ends at once, as at the second Ctrl-C, takes them with it. */
function watch(child: Child): void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(child);
}

function unwatch(child: Child): void {
  running.delete(child);
  if (running.size === 0) process.off('exit', killAll);
}

function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL');
}

/** The longest that a timer takes. */
const NO_LIMIT = 2 ** 31 - 1;

/** Gathers the output; the returned function gives the end of it. */
function watchOutput(child: Child, { onLine, maxLine, onOutput }: ShellRequest): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer): void => {
    onOutput?.(chunk);
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes - chunks[0]!.length >= MAX_TAIL) bytes -= chunks.shift()!.length;
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  if (onLine !== undefined) watchLines(child.stdout, onLine, maxLine ?? Infinity);
  return () => Buffer.concat(chunks).toString().slice(-MAX_TAIL).trimEnd();
}

/** A last line without a newline counts when nothing more comes. */
function watchLines(stream: Readable, onLine: (line: Uint8Array | null) => void, maxLine: number): void {
  const splitter = new LineSplitter(maxLine);
  let isOpen = false;
  const take = (chunk: Uint8Array): void => {
    isOpen = chunk.at(-1) !== NEWLINE;
    for (const line of splitter.push(chunk)) onLine(line);
  };
  stream.on('data', take);
  stream.on('end', () => {
    if (isOpen) take(Uint8Array.of(NEWLINE));
  });
}

const NEWLINE = 10;

/** Resolves when the command has ended and nobody has its output open any more, or only who got away. */
function ending(
  child: Child,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject(fromSystemError(error, '/bin/sh'));
    });
    let timer: NodeJS.Timeout | undefined;
    // What the command has started may go on, and hold its output open.
    child.on('exit', () => {
      signalGroup(child, 'SIGKILL');
      timer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, GRACE);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    });
  });
}

/** Asks first, so that a command can take away what it has made, and insists a little later. */
function endGroup(child: Child): void {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => {
    signalGroup(child, 'SIGKILL');
  }, GRACE);
  child.on('exit', () => {
    clearTimeout(timer);
  });
}

function signalGroup({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}

/** How it ended, in words. */
export function endOf({ code, signal }: Pick<ShellResult, 'code' | 'signal'>): string {
  return signal === null ? `exit code ${String(code)}` : `ended by ${signal}`;
}
