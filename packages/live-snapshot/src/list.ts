import type { Control } from '@interposer/core';
import { inTurn } from './in-turn.ts';
import { mergingOf, numberOf, type Origin, readOrigins, type Snapshot, storeNumber } from './inventory.ts';
import type { SnapshotInfo, SnapshotState } from './snapshot-info.ts';

/** All snapshots that were made here, also those that are of no use any more, in order of name. */
export function listSnapshots(control: Control): Promise<SnapshotInfo[]> {
  return inTurn(control, () => readSnapshots(control));
}

/** The same for work that has its turn. */
export async function readSnapshots(control: Control): Promise<SnapshotInfo[]> {
  const origins = await readOrigins(control);
  const infos = origins.flatMap((owner) =>
    owner.snapshots.map((snapshot) => describe(control, owner, snapshot)),
  );
  return (await Promise.all(infos)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What there is to say of one. */
export async function describe(control: Control, owner: Origin, snapshot: Snapshot): Promise<SnapshotInfo> {
  const isMerging = mergingOf(owner) === snapshot;
  const holder = isMerging ? owner.origin : snapshot;
  const [status, merge] = await Promise.all([
    control.status(holder.info.name),
    isMerging ? mergeOf(control, owner) : undefined,
  ]);
  const [, , letter = 'N', chunk = '0'] = holder.row?.params.split(' ') ?? [];
  const hasStore = storeNumber(holder) !== undefined;
  const text = hasStore ? (status[0]?.params ?? '') : 'Invalid';
  const [, used = '0', size = '0'] = /^(\d+)\/(\d+) /.exec(text) ?? [];
  const failed = merge?.failure !== undefined;
  return {
    name: snapshot.info.name,
    device: owner.device?.name ?? '',
    origin: owner.origin.info.name,
    store: holder.deps.find((ref) => numberOf(ref) === storeNumber(holder))?.name ?? '',
    auto: snapshot.auto,
    persistent: letter.startsWith('P'),
    chunk: hasStore ? Number(chunk) : 0,
    sectors: owner.real.info.sectors,
    state: isMerging ? (failed ? 'merge-failed' : 'merging') : stateOf(text),
    used: Number(used),
    size: Number(size),
    openCount: snapshot.info.openCount,
    ...(merge === undefined ? {} : { merge }),
  };
}

function stateOf(status: string): SnapshotState {
  if (status === 'Invalid') return 'invalid';
  return status === 'Overflow' ? 'overflow' : 'active';
}

/** How far the merge into a device is. */
export async function mergeOf(
  control: Control,
  { origin }: Origin,
): Promise<NonNullable<SnapshotInfo['merge']> | undefined> {
  const row = (await control.progress(origin.info.name)).find(({ activity }) => activity === 'merge');
  if (row === undefined) return undefined;
  const { done, total, failure } = row;
  return { done, total, ...(failure === undefined ? {} : { failure }) };
}
