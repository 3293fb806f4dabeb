import type { Control, Edit } from '@interposer/core';
import { inTurn } from './in-turn.ts';
import { readSnapshots } from './list.ts';
import { type Placed, placeSnapshot, snapshotLine } from './place-snapshot.ts';
import type { SnapshotInfo } from './snapshot-info.ts';
import type { SnapshotRequest } from './snapshot-request.ts';
import { checkEmpty, clearHeader } from './store.ts';
import { allOrNothing, type Undo } from './undo.ts';

/**
 * Makes snapshots of devices in use, which go on meanwhile. All of one call show one and the same moment: a write to one
 * device that was answered before a write to another one was sent is in both snapshots, in neither, or in the first only. All
 * are made or none, and after an error everything is as before. EBUSY for a name, an altitude or a store in use, EEXIST for a
 * store that holds a snapshot, EINVAL for one that holds anything else, ENOSPC for one that is too small.
 */
export function createSnapshots(
  control: Control,
  requests: readonly SnapshotRequest[],
): Promise<SnapshotInfo[]> {
  return inTurn(control, () =>
    allOrNothing(async (undo) => {
      const placed: Placed[] = [];
      for (const request of requests) placed.push(await place(control, request, undo));
      await control.transaction([
        ...standInEdits(placed),
        ...placed.map((one, index): Edit => reloadOf(one, requests[index]!)),
      ]);
      return named(control, placed);
    }),
  );
}

/** What stands in for the devices, each once. */
export function standInEdits(placed: readonly Placed[]): Edit[] {
  return [...new Map(placed.map(({ standIn }) => [standIn.name, standIn.edit])).values()];
}

/** What there is to say of those that were made. */
export async function named(control: Control, placed: readonly Placed[]): Promise<SnapshotInfo[]> {
  const infos = await readSnapshots(control);
  return placed.map(({ name }) => infos.find((info) => info.name === name)!);
}

async function place(control: Control, request: SnapshotRequest, undo: Undo): Promise<Placed> {
  const placed = await placeSnapshot(control, request, undo);
  await checkEmpty(control, placed.store);
  // The header is written while the tables are made, before anything can fail at the gates.
  undo.add(() => clearHeader(control, placed.store));
  return placed;
}

function reloadOf(placed: Placed, { persistent = true }: SnapshotRequest): Edit {
  const words = `${persistent ? 'P' : 'N'} ${String(placed.chunk)}`;
  return { kind: 'reload', device: placed.name, table: snapshotLine(placed, 'snapshot', words) };
}
