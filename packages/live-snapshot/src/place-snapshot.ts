import { type Control, fail, quoteWord } from '@interposer/core';
import { numberOf } from './inventory.ts';
import { baseName, freeName } from './names.ts';
import type { SnapshotRequest } from './snapshot-request.ts';
import { type StandIn, standInFor } from './stand-in.ts';
import type { Store } from './store.ts';
import { LEAST_CHUNKS } from './store-size.ts';
import { uuidOf } from './tag.ts';
import type { Undo } from './undo.ts';

/** Sectors; what LVM takes. */
const DEFAULT_CHUNK = 8;

/** A snapshot that has its name and its store, and no table that is of use yet. */
export interface Placed {
  readonly name: string;
  readonly standIn: StandIn;
  readonly store: Store;
  readonly chunk: number;
}

/** What to place. */
export type PlaceRequest = Pick<SnapshotRequest, 'device' | 'store' | 'name' | 'altitude' | 'auto' | 'chunk'>;

/** Makes all that can be made before the moment of the snapshot; the device serves itself as before. */
export async function placeSnapshot(control: Control, request: PlaceRequest, undo: Undo): Promise<Placed> {
  const { device, auto = false, chunk = DEFAULT_CHUNK } = request;
  const standIn = await standInFor(control, device, request.altitude, undo);
  const name = request.name ?? (await nameFor(control, standIn));
  const { sectors } = standIn;
  const spec =
    typeof request.store === 'string'
      ? request.store
      : await request.store({ name, device: standIn.device, sectors, chunk });
  const table = placeholder(sectors, spec);
  const uuid = uuidOf({ role: auto ? 'auto' : 'store', group: standIn.group });
  await control.create(name, { table, uuid });
  undo.add(() => control.remove(name));
  return { name, standIn, store: await storeOf(control, name, chunk), chunk };
}

/** The line of a snapshot; a chunk of 0 is what the store says. */
export function snapshotLine(
  { standIn, store }: Placed,
  type: 'snapshot' | 'snapshot-merge',
  words: string,
): string {
  return `0 ${String(standIn.sectors)} ${type} ${standIn.real} ${numberOf(store.ref)} ${words}`;
}

/** A table of errors. */
export function errorTable(sectors: number): string {
  return `0 ${String(sectors)} error`;
}

/** As large as the snapshot will be; it keeps the store open, so that nobody else takes it and it stays the same device. */
function placeholder(sectors: number, store: string): string {
  const first = `0 1 linear ${quoteWord(store)} 0`;
  return sectors === 1 ? first : `${first}\n1 ${String(sectors - 1)} error`;
}

async function nameFor(control: Control, { device }: StandIn): Promise<string> {
  const taken = new Set((await control.list()).map(({ name }) => name));
  return freeName(`${baseName(device.name)}-snap`, (name) => !taken.has(name));
}

/** The store that a placeholder has open. EBUSY where somebody else has it open, too: it may be the very disk. */
async function storeOf(control: Control, placeholder: string, chunk: number): Promise<Store> {
  const [ref] = await control.deps(placeholder);
  const found = (await control.listDevices()).find((one) => numberOf(one) === numberOf(ref!));
  if (found === undefined) throw fail('ENODEV', `${ref!.name} is gone`);
  const { name, sectors, openCount } = found;
  if (openCount > 1) throw fail('EBUSY', `${name} is in use: a store is a disk that nothing else uses`);
  if (sectors < LEAST_CHUNKS * chunk) {
    const least = `${String(LEAST_CHUNKS * chunk)} sectors`;
    throw fail(
      'ENOSPC',
      `${name} is too small for a store: ${String(sectors)} sectors, and at least ${least}`,
    );
  }
  return { ref: ref!, sectors };
}
