import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { asError, fail } from '@interposer/core';
import { nodesOf } from './dismantle.ts';
import type { Helper } from './helper.ts';
import { mountNode } from './make-node.ts';
import { isFuse, isOn, mountAt } from './mounts.ts';
import { codeOfComplaint, run } from './programs.ts';
import type { AttachmentRecord } from './state-file.ts';
import type { System } from './system.ts';
import { phrase, usersOf } from './users.ts';

/** An attachment that is there. */
export interface Present {
  readonly system: System;
  readonly record: AttachmentRecord;
  readonly helper: Helper;
}

/**
 * Unmounts an attachment if nobody uses it, so that the rest can be taken away without anybody noticing. EBUSY with those
 * who use it otherwise; then everything is as it was.
 */
export async function letGo(present: Present): Promise<void> {
  const { system, record, helper } = present;
  const [node] = nodesOf(present);
  const isMounted =
    node !== undefined && record.mountPoint !== undefined && isMountedAt(system, node, record.mountPoint);
  const mountPoint = isMounted ? record.mountPoint : undefined;
  const top = record.method === 'fuse' ? record.fusePoint : mountPoint;
  const users = usersOf(system, { node, file: record.file, mountPoint: top, helper: helper.pid });
  if (users.length > 0) throw busy(record, phrase(users));
  if (mountPoint !== undefined) await unmount(present, 'umount', [mountPoint]);
  if (node !== undefined && !(await isUnused(node))) {
    // Whoever it is lives where the table of processes and mounts does not show it: in another container, for one.
    if (mountPoint !== undefined) await mountNode(system, record);
    throw busy(record, `somebody who has ${node} mounted or claimed and cannot be seen from here`);
  }
  if (record.method === 'fuse') await unmountFuse(present);
}

/** EBUSY if the mount is there but hidden by another at the same place. */
function isMountedAt(system: System, node: string, point: string): boolean {
  const mounts = system.mounts();
  const top = mountAt(mounts, point);
  if (top !== undefined && isOn(top, node)) return true;
  if (!mounts.some((mount) => mount.point === point && isOn(mount, node))) return false;
  throw fail('EBUSY', `${top?.source ?? 'something'} is mounted over it at ${point}: unmount that first`);
}

async function unmountFuse(present: Present): Promise<void> {
  const point = present.record.fusePoint!;
  const mount = mountAt(present.system.mounts(), point);
  if (mount !== undefined && isFuse(mount)) await unmount(present, 'fusermount3', ['-u', point]);
}

async function unmount({ system, record }: Present, program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(system, program, args);
  if (code === 0) return;
  if (codeOfComplaint(stderr) === 'EBUSY')
    throw busy(record, `somebody who cannot be seen from here: ${stderr}`);
  throw fail(codeOfComplaint(stderr), `${record.device} stays attached: ${stderr}`);
}

/** Whether nobody has a block device mounted or claimed: an exclusive open asks the kernel. Linux: open(2), O_EXCL. */
async function isUnused(node: string): Promise<boolean> {
  try {
    const handle = await open(node, constants.O_RDONLY | constants.O_EXCL);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw fail('EIO', `${node}: ${asError(error).message}`, error);
  }
}

function busy({ device, node, file, mountPoint }: AttachmentRecord, who: string): Error {
  const what = mountPoint ?? node ?? file ?? device;
  return fail('EBUSY', `${what} is in use by ${who}; --force takes it away all the same`);
}
