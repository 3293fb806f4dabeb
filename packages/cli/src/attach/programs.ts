import { spawn } from 'node:child_process';
import process from 'node:process';
import { type ErrorCode, fail, fromSystemError } from '@interposer/core';
import type { System } from './system.ts';

/** What a program left behind. */
export interface ProgramResult {
  /** null: it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What these programs say, and which code it is. */
const CODES: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/busy/i, 'EBUSY'],
  [/permission denied|not permitted|superuser/i, 'EACCES'],
  [/wrong fs type|bad superblock|can't read superblock|unknown filesystem|write-protected/i, 'EINVAL'],
];

/** How programs are started: they speak English, whatever the user does, and do not get the terminal's signals. */
export function spawnOptions(): { detached: boolean; env: NodeJS.ProcessEnv; cwd: string } {
  return { detached: true, env: { ...process.env, LC_ALL: 'C' }, cwd: '/' };
}

/**
 * Runs a program of the system to its end: in the background, for what it does may need this very daemon to answer. After
 * `timeout` milliseconds, if given, it is killed. ENOENT if it is not installed.
 */
export async function run(
  system: System,
  name: string,
  args: readonly string[],
  timeout?: number,
): Promise<ProgramResult> {
  const path = system.program(name);
  if (path === undefined) throw fail('ENOENT', `${name} is not installed`);
  const child = spawn(path, args, { ...spawnOptions(), stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = timeout === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeout);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', (error) => {
        reject(fromSystemError(error, path));
      });
      child.on('close', (code) => {
        resolve({ code, stdout, stderr: oneLine(stderr) });
      });
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program that has to succeed; its standard output. The error says what was being done and what it complained of. */
export async function mustRun(
  system: System,
  doing: string,
  name: string,
  args: readonly string[],
): Promise<string> {
  const result = await run(system, name, args);
  if (result.code === 0) return result.stdout;
  const complaint =
    result.stderr === '' ? `${name} ended with exit code ${String(result.code)}` : result.stderr;
  throw fail(codeOfComplaint(result.stderr), `${doing}: ${complaint}`);
}

/** The code for what a program complained of. */
export function codeOfComplaint(text: string): ErrorCode {
  return CODES.find(([pattern]) => pattern.test(text))?.[1] ?? 'EIO';
}

/** A complaint as part of a message. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
