import { setTimeout as pause } from 'node:timers/promises';
import { type Control, type Edit, fail } from '@interposer/core';
import { inTurn } from './in-turn.ts';
import {
  findSnapshot,
  isMerging,
  mergingOf,
  numberOf,
  type Origin,
  type Snapshot,
  storeNumber,
} from './inventory.ts';
import { describe, mergeOf } from './list.ts';
import { errorTable } from './place-snapshot.ts';
import { removeDevices, restOf } from './remove.ts';
import type { SnapshotInfo } from './snapshot-info.ts';
import { sizeOf, originTable } from './stand-in.ts';
import { markMerge, type Store } from './store.ts';
import { allOrNothing, type Undo } from './undo.ts';

/** Milliseconds between two looks at a merge: no event tells of its end. */
const INTERVAL = 100;

/** Options of `finishMerge`. */
export interface FinishOptions {
  /** Ends the wait; the merge goes on. */
  readonly signal?: AbortSignal;
}

/**
 * Begins to make a device what one of its snapshots is, what was written to the snapshot included: when it resolves, whoever
 * uses the device sees that. What was written to the device since the snapshot is lost, but for other snapshots. Does nothing
 * where it was begun before. EBUSY while the snapshot is open, ENOTSUP for one that is not persistent, EINVAL for an invalid
 * one.
 */
export function mergeSnapshot(control: Control, name: string): Promise<SnapshotInfo> {
  return inTurn(control, async () => {
    const { snapshot, owner } = await findSnapshot(control, name);
    if (mergingOf(owner) === snapshot) return describe(control, owner, snapshot);
    await checkMergeable(control, snapshot, owner);
    await allOrNothing((undo) => handOver(control, snapshot, owner, undo));
    const own = snapshot.info.name;
    await control.load(own, errorTable(snapshot.info.sectors));
    await control.resume(own);
    const after = await findSnapshot(control, own);
    return describe(control, after.owner, after.snapshot);
  });
}

/**
 * Waits until a merge is over, and takes everything out that it needed: the snapshot is gone, and the device serves itself,
 * or goes on with its other snapshots. Resolves to what the snapshot was. EIO with the reason where the merge fails; then
 * everything stays, and the device can be used. ENXIO for a snapshot that is not there, or that somebody else took out
 * meanwhile; EINVAL for one that is not being merged.
 */
export async function finishMerge(
  control: Control,
  name: string,
  { signal }: FinishOptions = {},
): Promise<SnapshotInfo> {
  const { snapshot } = await findSnapshot(control, name);
  while (!(await isOver(control, snapshot.info.name))) await pause(INTERVAL, undefined, { signal });
  return inTurn(control, async () => {
    const now = await findMerging(control, snapshot.info.name);
    const info = await describe(control, now.owner, now.snapshot);
    await takeOut(control, now.snapshot, now.owner);
    return info;
  });
}

async function findMerging(
  control: Control,
  name: string,
): Promise<{ readonly snapshot: Snapshot; readonly owner: Origin }> {
  const found = await findSnapshot(control, name);
  if (mergingOf(found.owner) !== found.snapshot) throw fail('EINVAL', `${name} is not being merged`);
  return found;
}

async function checkMergeable(control: Control, snapshot: Snapshot, owner: Origin): Promise<void> {
  const { name, state, persistent, openCount } = await describe(control, owner, snapshot);
  if (isMerging(owner))
    throw fail('EBUSY', `another snapshot of ${owner.device?.name ?? ''} is being merged`);
  if (state !== 'active') throw fail('EINVAL', `${name} is ${state}: not all that it held is there`);
  if (!persistent)
    throw fail('ENOTSUP', `${name} is not persistent: only what survives a crash can be merged`);
  if (openCount > 0) throw fail('EBUSY', `${name} is in use: it can be merged when nobody has it open`);
}

/**
 * With both devices suspended nobody writes to the header of the store, nor to the device: the note that there is a merge is
 * stable before the first write that counts on it.
 */
async function handOver(control: Control, snapshot: Snapshot, owner: Origin, undo: Undo): Promise<void> {
  for (const { name } of [snapshot.info, owner.origin.info]) {
    await control.suspend(name);
    undo.add(() => control.resume(name));
  }
  const { state } = await describe(control, owner, snapshot);
  if (state !== 'active') throw fail('EINVAL', `${snapshot.info.name} is ${state}`);
  const store = await storeIn(control, snapshot);
  // Some of it may be there though it failed.
  undo.add(() => markMerge(control, store, false));
  await markMerge(control, store, true);
  const [, , letter, chunk] = snapshot.row!.params.split(' ');
  const words = `${numberOf(owner.real.info)} ${numberOf(store.ref)} ${letter!} ${chunk!}`;
  const table = `0 ${String(owner.real.info.sectors)} snapshot-merge ${words}`;
  await control.transaction([{ kind: 'reload', device: owner.origin.info.name, table }]);
}

async function storeIn(control: Control, holder: Snapshot | Origin['origin']): Promise<Store> {
  const ref = holder.deps.find((one) => numberOf(one) === storeNumber(holder))!;
  return { ref, sectors: await sizeOf(control, ref) };
}

/** Whether a merge is over. EIO where it failed. */
async function isOver(control: Control, name: string): Promise<boolean> {
  const { owner } = await findMerging(control, name);
  const merge = await mergeOf(control, owner);
  if (merge?.failure !== undefined)
    throw fail(
      'EIO',
      `the merge of ${name} does not go on: ${merge.failure}; ${owner.device?.name ?? 'the device'} can be used as long as its store is there`,
    );
  return merge !== undefined && merge.done >= merge.total;
}

async function takeOut(control: Control, snapshot: Snapshot, owner: Origin): Promise<void> {
  await markMerge(control, await storeIn(control, owner.origin), false);
  const rest = restOf(owner, snapshot);
  const { name } = owner.origin.info;
  const table = originTable({ real: numberOf(owner.real.info), sectors: owner.real.info.sectors });
  const edits: Edit[] =
    rest.length > 0
      ? [{ kind: 'reload', device: name, table }]
      : (await control.remaps())
          .filter(({ mapped }) => mapped === name)
          .map(() => ({ kind: 'remap-finish', mapped: name }));
  await control.transaction(edits);
  await removeDevices(control, snapshot, owner);
}
