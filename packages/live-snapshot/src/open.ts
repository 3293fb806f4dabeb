import { type Control, type Edit, fail } from '@interposer/core';
import { named, standInEdits } from './create.ts';
import { inTurn } from './in-turn.ts';
import { errorTable, type Placed, placeSnapshot, snapshotLine } from './place-snapshot.ts';
import type { SnapshotInfo } from './snapshot-info.ts';
import type { OpenSnapshotRequest } from './snapshot-request.ts';
import { type Header, markMerge, readHeader } from './store.ts';
import { allOrNothing } from './undo.ts';

/** The header says what chunk it is; a store has at least one of the smallest. */
const SMALLEST_CHUNK = 1;

/**
 * Brings a persistent snapshot up again after a restart, before anything was written to its device: what is written to it
 * without its snapshot is not kept. With `merge` the device becomes what the snapshot is; so it must where a merge was
 * interrupted, for only both together hold what the device was (EBUSY otherwise). ENODATA for a store that holds no snapshot.
 */
export function openSnapshot(control: Control, request: OpenSnapshotRequest): Promise<SnapshotInfo> {
  return inTurn(control, () =>
    allOrNothing(async (undo) => {
      const placed = await placeSnapshot(control, { ...request, chunk: SMALLEST_CHUNK }, undo);
      const { merge = false } = request;
      const header = await checkHeader(control, placed, merge);
      if (merge && !header.merges) {
        await markMerge(control, placed.store, true);
        undo.add(() => markMerge(control, placed.store, false));
      }
      await control.transaction(merge ? mergeEdits(placed) : openEdits(placed));
      const [info] = await named(control, [placed]);
      return info!;
    }),
  );
}

async function checkHeader(control: Control, { store }: Placed, merge: boolean): Promise<Header> {
  const header = await readHeader(control, store);
  const { name } = store.ref;
  if (header === undefined) throw fail('ENODATA', `${name} holds no snapshot`);
  if (!header.valid) throw fail('ENODATA', `the snapshot in ${name} is invalid: what it held is lost`);
  if (header.merges && !merge)
    throw fail(
      'EBUSY',
      `the merge of ${name} was interrupted: open it with merge, or the device is not whole`,
    );
  return header;
}

function openEdits(placed: Placed): Edit[] {
  const table = snapshotLine(placed, 'snapshot', 'P 0');
  return [...standInEdits([placed]), { kind: 'reload', device: placed.name, table }];
}

/** The store goes to what stands in for the device at once. */
function mergeEdits(placed: Placed): Edit[] {
  const { name, standIn } = placed;
  const table = snapshotLine(placed, 'snapshot-merge', 'P 0');
  return [
    ...(standIn.isThere ? [] : [standIn.edit]),
    { kind: 'reload', device: standIn.name, table },
    { kind: 'reload', device: name, table: errorTable(standIn.sectors) },
  ];
}
