import { type Control, type Edit, fail } from '@interposer/core';
import { inTurn } from './in-turn.ts';
import { findSnapshot, mergingOf, type Origin, type Snapshot } from './inventory.ts';
import { describe } from './list.ts';
import { errorTable } from './place-snapshot.ts';
import type { SnapshotInfo } from './snapshot-info.ts';

/**
 * Ends a snapshot; the device stays as it is now, and whoever uses it notices nothing. What is in the store stays there.
 * EBUSY while the snapshot is open, or is being merged.
 */
export function removeSnapshot(control: Control, name: string): Promise<SnapshotInfo> {
  return inTurn(control, async () => {
    const { snapshot, owner } = await findSnapshot(control, name);
    const info = await describe(control, owner, snapshot);
    if (mergingOf(owner) === snapshot)
      throw fail('EBUSY', `${name} is being merged: without it the device is not whole`);
    if (info.openCount > 0)
      throw fail('EBUSY', `${name} is in use: it can be removed when nobody has it open`);
    if (restOf(owner, snapshot).length === 0)
      await control.transaction(await lastEdits(control, snapshot, owner));
    await removeDevices(control, snapshot, owner);
    return info;
  });
}

/** The other snapshots of its device. */
export function restOf({ snapshots }: Origin, snapshot: Snapshot): Snapshot[] {
  return snapshots.filter((one) => one !== snapshot);
}

/** A snapshot that is of no use any more, and with the last one what stood in for its device, which serves itself by now. */
export async function removeDevices(control: Control, snapshot: Snapshot, owner: Origin): Promise<void> {
  await control.remove(snapshot.info.name);
  if (restOf(owner, snapshot).length > 0) return;
  await control.remove(owner.origin.info.name);
  await control.remove(owner.real.info.name);
}

/** Together, so that no snapshot is there that nothing is copied out for; of a device that is lost nothing is left to finish. */
async function lastEdits(control: Control, snapshot: Snapshot, owner: Origin): Promise<Edit[]> {
  const mapped = owner.origin.info.name;
  const standsIn = (await control.remaps()).some((remap) => remap.mapped === mapped);
  const table = errorTable(snapshot.info.sectors);
  return [
    { kind: 'reload', device: snapshot.info.name, table },
    ...(standsIn ? [{ kind: 'remap-finish', mapped } as const] : []),
  ];
}
