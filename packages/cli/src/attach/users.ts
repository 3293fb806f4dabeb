import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isOn, partitionsPattern } from './mounts.ts';
import type { System } from './system.ts';

/** The parts of an attachment that somebody may use. */
export interface UsedParts {
  readonly node?: string | undefined;
  readonly file?: string | undefined;
  /** Where the file system of the node, or nbdfuse, is mounted: that mount itself is no user. */
  readonly mountPoint?: string | undefined;
  /** The helper program does not count. */
  readonly helper: number;
}

/** Users named in a message; the others are counted. */
const MAX_NAMED = 5;

/**
 * Who uses an attachment, each as part of a message such as `bash (pid 12) in /mnt`. Only what this user may see: empty does
 * not prove that nobody does.
 */
export function usersOf(system: System, parts: UsedParts): string[] {
  return [...kernelUsers(system, parts), ...processes(system, parts)];
}

/** The users as one phrase. */
export function phrase(users: readonly string[]): string {
  const named = users.slice(0, MAX_NAMED).join(', ');
  const rest = users.length - MAX_NAMED;
  return rest > 0 ? `${named} and ${String(rest)} more` : named;
}

/** Mounts, swap and devices that stand on it. */
function kernelUsers(system: System, { node, file, mountPoint }: UsedParts): string[] {
  const mounts = system.mounts();
  const inside =
    mountPoint === undefined ? [] : mounts.filter(({ point }) => point.startsWith(`${mountPoint}/`));
  const users = inside.map(({ point }) => `the mount ${point}`);
  if (node === undefined) {
    const loops = file === undefined ? [] : system.loopsOn(file);
    return [...users, ...loops.map((loop) => `the loop device ${loop}`)];
  }
  const others = mounts.filter((mount) => isOn(mount, node) && mount.point !== mountPoint);
  users.push(...others.map(({ point }) => `the mount ${point}`));
  const ours = partitionsPattern(node);
  if (system.swaps().some((path) => ours.test(path))) users.push('the swap of the system');
  users.push(...system.holders(node).map((name) => `the block device ${name}`));
  return users;
}

/** Processes with something of it open, or standing in it. The table of processes is read only: no path is followed. */
function processes(system: System, { node, file, mountPoint, helper }: UsedParts): string[] {
  const nodes = node === undefined ? undefined : partitionsPattern(node);
  const isUsed = (path: string): boolean =>
    path === file ||
    nodes?.test(path) === true ||
    (mountPoint !== undefined && (path === mountPoint || path.startsWith(`${mountPoint}/`)));
  const users: string[] = [];
  for (const pid of processIds(system)) {
    if (pid === helper) continue;
    const path = openPaths(system, pid).find(isUsed);
    if (path !== undefined) users.push(`${processName(system, pid)} (pid ${String(pid)}) with ${path}`);
  }
  return users;
}

/** The processes that were started with an argument, such as the path of a private socket. */
export function processesWith(system: System, argument: string): number[] {
  return processIds(system).filter((pid) => {
    const text = tryTo(() => readFileSync(join(system.proc, String(pid), 'cmdline'), 'utf8')) ?? '';
    return text.split('\0').includes(argument);
  });
}

/** Whether one of these programs runs that was started with one of these arguments. */
export function isRunningOn(system: System, programs: readonly string[], places: readonly string[]): boolean {
  const pids = places.flatMap((place) => processesWith(system, place));
  return pids.some((pid) => programs.includes(processName(system, pid)));
}

/** Whether there is a process of that number that has not ended: one may have, and wait for a parent that does not ask. */
export function isLiving(system: System, pid: number): boolean {
  const text = tryTo(() => readFileSync(join(system.proc, String(pid), 'stat'), 'utf8'));
  // The name of the program stands in brackets and may hold anything. Linux: proc_pid_stat(5).
  return text !== undefined && !/\) [ZX] /.test(text.slice(text.lastIndexOf(')')));
}

function processIds(system: System): number[] {
  const names = tryTo(() => readdirSync(system.proc)) ?? [];
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

function processName(system: System, pid: number): string {
  return tryTo(() => readFileSync(join(system.proc, String(pid), 'comm'), 'utf8').trim()) ?? 'a process';
}

function openPaths(system: System, pid: number): string[] {
  const directory = join(system.proc, String(pid));
  const descriptors = tryTo(() => readdirSync(join(directory, 'fd'))) ?? [];
  const links = ['cwd', 'root', 'exe', ...descriptors.map((fd) => `fd/${fd}`)];
  return links.map((link) => tryTo(() => readlinkSync(join(directory, link))) ?? '');
}

/** Processes end, and those of others may not be looked at. */
function tryTo<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
