import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { World } from '../world.ts';

/** What a search is about, for `interposer crash-test`. Commands are the shell's. */
export interface Subject {
  /** Of the disk, e.g. `16M`. */
  readonly size: string;
  readonly prepare?: string;
  readonly run: string;
  readonly check: string;
  /** Further options. */
  readonly options?: readonly string[];
}

/** What `interposer crash-test --json` tells, as far as it is looked at. */
export interface Report {
  readonly explored: number;
  readonly pruned: number;
  readonly statesPerSecond: number;
  readonly ended: string;
  /** Whether there are states that were not looked at. */
  readonly bounded: boolean;
  readonly failures: readonly Finding[];
}

/** A state that the check failed on. */
export interface Finding {
  readonly message: string;
  /** The smallest set of writes behind the last flush with which the check fails. */
  readonly kept: readonly { readonly sector: number; readonly count: number }[];
  readonly file: string;
}

/** What it takes to record below the ext4 of the kernel, and to look into it. */
export const EXT4_PROGRAMS = [
  ...['nbdfuse', 'fusermount3', 'losetup', 'mount', 'umount', 'unshare'],
  ...['mke2fs', 'e2fsck', 'debugfs'],
];

/** The distribution's own where there is one: others on PATH may take several times as long to start. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** States that a search makes at most. */
const STATES = Number(process.env.INTERPOSER_CRASH_STATES ?? 150);

/** Milliseconds that it may take, on a busy machine. */
export const SEARCH_TIME: number = 60_000 + 500 * STATES;

/** Searches as a user does, and prints the figures. */
export async function crashTest(world: World, name: string, subject: Subject): Promise<Report> {
  const { size, prepare, run, check, options = [] } = subject;
  const { code, stdout, stderr } = await world.run([
    ...['crash-test', '--json', '--states', String(STATES), '--size', size, '--run', run, '--check', check],
    ...(prepare === undefined ? [] : ['--prepare', prepare]),
    ...options,
  ]);
  if (code !== 0 && code !== 2) throw new Error(`crash-test ended with ${String(code)}: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  process.stdout.write(`crash-test, ${name}: ${figures(report)}\n`);
  return report;
}

function figures({ explored, pruned, statesPerSecond, failures }: Report): string {
  return [
    `${String(explored)} states`,
    `${statesPerSecond.toFixed(1)} states/s`,
    `${((100 * pruned) / explored).toFixed(0)} % pruned`,
    `${String(failures.length)} failures`,
  ].join(', ');
}

/** The command for a program of this directory, with its arguments. */
export function program(name: string, ...args: readonly string[]): string {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const words = name.endsWith('.py') ? [PYTHON, '-I', path] : [path];
  return [...words.map((word) => `'${word}'`), ...args].join(' ');
}
