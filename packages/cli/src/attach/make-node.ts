import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@interposer/core';
import { Helper } from './helper.ts';
import { isFuse, mountAt } from './mounts.ts';
import { EXPORT_NAME } from './private-export.ts';
import { codeOfComplaint, mustRun } from './programs.ts';
import type { AttachmentRecord } from './state-file.ts';
import type { System } from './system.ts';
import { until } from './until.ts';

/** Milliseconds that a helper may take until its device is there. */
const START_LIMIT = 30_000;

/** Milliseconds after which nbd-client has found out that another program has its device. */
const SETTLE_LIMIT = 500;

/** What making a node takes. */
export interface NodeRequest {
  readonly system: System;
  readonly record: AttachmentRecord;
  /** Bytes; the node shall have blocks of this size. */
  readonly logicalBlock: number;
  /** Writes the record down; called before each deed that it is about. */
  readonly save: () => void;
  /** Told of the helper as soon as it runs. */
  readonly onHelper: (helper: Helper) => void;
}

/** Makes the file, the loop device or the NBD device of the kernel. What is left of a failure is for `dismantle`. */
export async function makeNode(request: NodeRequest): Promise<void> {
  if (request.record.method === 'nbd') return connectNbd(request);
  await startFuse(request);
  if (request.record.method === 'loop') await makeLoop(request);
}

/** nbdfuse connects before it mounts: once there is a mount, there is the device. */
async function startFuse({ system, record, onHelper }: NodeRequest): Promise<void> {
  const point = record.fusePoint!;
  // A file in the runtime folder, or an empty one that the user has put there; what is in it does not matter.
  if (record.mountPoint !== point) closeSync(openSync(point, 'a', 0o600));
  const readOnly = record.readOnly ? ['--readonly'] : [];
  const helper = await Helper.start(system, 'nbdfuse', [...readOnly, point, '--unix', record.socket]);
  onHelper(helper);
  await started(helper, () => {
    const mount = mountAt(system.mounts(), point);
    return mount !== undefined && isFuse(mount);
  });
}

async function makeLoop({ system, record, logicalBlock, save }: NodeRequest): Promise<void> {
  const file = record.file!;
  const args = ['--find', '--show', '--partscan'];
  if (record.readOnly) args.push('--read-only');
  if (logicalBlock > 512) args.push('--sector-size', String(logicalBlock));
  const doing = `no loop device for ${file}`;
  record.node = (await mustRun(system, doing, 'losetup', [...args, file])).trim();
  save();
}

/**
 * nbd-client stays as long as the device is connected: the kernel disconnects when it, or the socket, goes. Another program
 * may take a free device in between: then it is the turn of the next.
 */
async function connectNbd(request: NodeRequest): Promise<void> {
  const { system, record } = request;
  const free = system.nbdDevices().filter((name) => system.isFreeNbd(name));
  for (const [at, name] of free.entries()) {
    record.node = join(system.dev, name);
    request.save();
    try {
      await connectOne(request, name);
      return;
    } catch (error) {
      const taken = !system.isFreeNbd(name);
      if (!taken || at === free.length - 1) throw error;
    }
  }
  throw fail('EBUSY', 'all NBD devices of the kernel are in use');
}

async function connectOne(
  { system, record, logicalBlock, onHelper }: NodeRequest,
  name: string,
): Promise<void> {
  const { socket, node = '' } = record;
  const block = ['-block-size', String(logicalBlock)];
  const staying = ['-nonetlink', '-nofork'];
  const args = ['-unix', socket, node, '-name', EXPORT_NAME, ...block, ...staying];
  const helper = await Helper.start(system, 'nbd-client', args);
  onHelper(helper);
  await started(helper, () => system.nbdPid(name) !== undefined && !system.isFreeNbd(name));
  if (system.nbdPid(name) === helper.pid) return;
  // In a container the kernel tells another number of the same process. Or another program was faster: ours ends then.
  if (await until(SETTLE_LIMIT, () => !helper.running)) throw fail('EBUSY', await helper.ended);
}

async function started(helper: Helper, isThere: () => boolean): Promise<void> {
  await until(START_LIMIT, () => !helper.running || isThere());
  if (helper.running && isThere()) return;
  if (helper.running)
    throw fail('ETIMEDOUT', `${helper.name} made no device in ${String(START_LIMIT / 1000)} s`);
  throw fail(codeOfComplaint(helper.complaint), await helper.ended);
}

/** Mounts the file system of the node. EINVAL if there is none that the kernel knows. */
export async function mountNode(
  system: System,
  { node, mountPoint, readOnly }: AttachmentRecord,
): Promise<void> {
  if (node === undefined || mountPoint === undefined) return;
  const options = readOnly ? ['-o', 'ro'] : [];
  await mustRun(system, `cannot mount ${node} at ${mountPoint}`, 'mount', [...options, node, mountPoint]);
}
