import { unlinkSync } from 'node:fs';
import { asError } from '@interposer/core';
import type { Helper } from './helper.ts';
import { isFuse, isOn, mountAt } from './mounts.ts';
import { run } from './programs.ts';
import type { AttachmentRecord } from './state-file.ts';
import type { System } from './system.ts';
import { until } from './until.ts';
import { isLiving, isRunningOn, processesWith } from './users.ts';

/** Milliseconds that a program may take where there is another way to go on. */
const PROGRAM_LIMIT = 20_000;

/** Milliseconds to wait for a loop device, and for a helper, to go by itself. */
const GOING_LIMIT = 5000;

/** The same where something is in use: it will not go before its users do. */
const BUSY_LIMIT = 200;

/** Programs that end by themselves. */
const PROGRAMS: readonly string[] = ['losetup', 'mount', 'umount', 'fusermount3'];

/** What taking away takes. */
export interface Remains {
  readonly system: System;
  readonly record: AttachmentRecord;
  /** The helper, if this daemon started it. */
  readonly helper: Helper | null;
  /** Told of whatever did not go in the usual way. */
  readonly log: (message: string) => void;
}

/**
 * Takes away all that is there of an attachment, whatever state it is in, from the top down: mounts, the node, the FUSE
 * mount, the helper, the files. What is still in use goes lazily: it vanishes for everybody else at once, and for its users
 * it fails. Touches nothing that is not evidently of this attachment, and does not fail.
 */
export async function dismantle(remains: Remains): Promise<void> {
  const { system, record } = remains;
  await strayProgramsEnd(remains);
  let unused = true;
  for (const node of nodesOf(remains)) {
    unused = await unmountAll(remains, node);
    if (record.method === 'loop') await tryRun(remains, 'losetup', ['--detach', node]);
    if (record.method === 'nbd' && isRunning(remains)) await tryRun(remains, 'nbd-client', ['-d', node]);
  }
  const { file, fusePoint } = record;
  if (file !== undefined && record.method === 'loop') {
    unused = await until(unused ? GOING_LIMIT : BUSY_LIMIT, () => system.loopsOn(file).length === 0);
  }
  if (fusePoint !== undefined && !(await unmountFuse(remains, fusePoint))) unused = false;
  await endHelper(remains, unused ? GOING_LIMIT : BUSY_LIMIT);
  // One that was still starting when it was looked for may have mounted since.
  if (fusePoint !== undefined) await unmountFuse(remains, fusePoint);
  removeFile(record.socket);
  if (fusePoint !== undefined && fusePoint !== record.mountPoint) removeFile(fusePoint);
}

/** What a daemon that was killed had started goes on: what it makes must be there before it can be taken away. */
async function strayProgramsEnd({ system, record, helper }: Remains): Promise<void> {
  if (helper !== null) return;
  const { file, node, mountPoint } = record;
  const places = [file, node, mountPoint].filter((place) => place !== undefined);
  await until(GOING_LIMIT, () => !isRunningOn(system, PROGRAMS, places));
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It never came into being, or something is mounted there still, of which the log tells.
  }
}

/** The nodes that are of this attachment now: a number may have become another's since it was written down. */
export function nodesOf({ system, record, helper }: Omit<Remains, 'log'>): string[] {
  const { method, file, node } = record;
  if (method === 'loop') return file === undefined ? [] : system.loopsOn(file);
  if (method === 'fuse' || node === undefined) return [];
  const pid = system.nbdPid(node.slice(system.dev.length + 1));
  if (pid === undefined) return [];
  // The kernel remembers the process until the last user is gone. Another one that lives is of another program.
  const isOurs = helper?.running === true || processesWith(system, record.socket).includes(pid);
  return isOurs || !isLiving(system, pid) ? [node] : [];
}

function isRunning({ system, record, helper }: Remains): boolean {
  return helper?.running ?? processesWith(system, record.socket).length > 0;
}

/** Whether nobody used a mount of the node. */
async function unmountAll(remains: Remains, node: string): Promise<boolean> {
  const { system, record } = remains;
  let unused = true;
  const points = system
    .mounts()
    .filter((mount) => isOn(mount, node))
    .map(({ point }) => point);
  for (const point of points.reverse()) {
    if (await tryRun(remains, 'umount', [point], false)) continue;
    unused = false;
    remains.log(`${record.device}: ${point} is in use and is unmounted lazily`);
    await tryRun(remains, 'umount', ['--lazy', point]);
  }
  return unused;
}

/** Whether nobody used the mount of nbdfuse. */
async function unmountFuse(remains: Remains, point: string): Promise<boolean> {
  const mount = mountAt(remains.system.mounts(), point);
  if (mount === undefined || !isFuse(mount)) return true;
  if (await tryRun(remains, 'fusermount3', ['-u', point], false)) return true;
  remains.log(`${remains.record.device}: ${point} is in use and is unmounted lazily`);
  await tryRun(remains, 'fusermount3', ['-u', '-z', point]);
  return false;
}

/** A helper ends when its device is gone; one that does not, after `patience` milliseconds, is ended. */
async function endHelper({ system, record, helper }: Remains, patience: number): Promise<void> {
  const running = (): number[] => {
    if (helper !== null) return helper.running ? [helper.pid] : [];
    return processesWith(system, record.socket);
  };
  if (await until(patience, () => running().length === 0)) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of running()) kill(pid, signal);
    if (await until(GOING_LIMIT, () => running().length === 0)) return;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}

/** Whether a program did what it should; otherwise its complaint is logged. */
async function tryRun(
  { system, record, log }: Remains,
  name: string,
  args: readonly string[],
  complain = true,
): Promise<boolean> {
  try {
    const { code, stderr } = await run(system, name, args, PROGRAM_LIMIT);
    if (code !== 0 && complain) log(`${record.device}: ${name} ${args.join(' ')}: ${stderr}`);
    return code === 0;
  } catch (error) {
    log(`${record.device}: ${asError(error).message}`);
    return false;
  }
}
