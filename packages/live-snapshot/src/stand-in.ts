import {
  type Control,
  type DeviceRef,
  type Edit,
  fail,
  isInterposerError,
  quoteWord,
} from '@interposer/core';
import { isMerging, numberOf, readOrigins } from './inventory.ts';
import { baseName, freeName } from './names.ts';
import { newGroup, tagOf, uuidOf } from './tag.ts';
import type { Undo } from './undo.ts';

/** What stands in for a device that is to have a snapshot. */
export interface StandIn {
  readonly group: string;
  /** The mapped device over the device. */
  readonly name: string;
  /** What its table and those of the snapshots stand on, by number. */
  readonly real: string;
  readonly device: DeviceRef;
  readonly sectors: number;
  /** What it does for a snapshot: it begins to stand in, or, where it does already, stops for the moment of the change. */
  readonly edit: Edit;
  /** Whether it stands in already. */
  readonly isThere: boolean;
}

/** The stand-in of a device: that which is there, or a new one, which stands in for nothing before its edit. */
export async function standInFor(
  control: Control,
  device: string,
  altitude: string | undefined,
  undo: Undo,
): Promise<StandIn> {
  const known = await findOpen(control, device);
  if (known !== undefined) {
    const uuid = await uuidOfMapped(control, known.ref.name);
    if (['real', 'origin'].includes(tagOf(uuid)?.role ?? ''))
      throw fail('EINVAL', `${device} belongs to the snapshots of another device: make one of that`);
    const there = await existing(control, known.ref, altitude);
    if (there !== undefined) return there;
  }
  return makeNew(control, device, known, altitude, undo);
}

/** The line of a device with snapshots. */
export function originTable({ real, sectors }: Pick<StandIn, 'real' | 'sectors'>): string {
  return `0 ${String(sectors)} snapshot-origin ${real}`;
}

interface Known {
  readonly ref: DeviceRef;
  readonly sectors: number;
}

/** A device that is open, by whatever it is called; undefined for one that is not, or that nobody knows. */
async function findOpen(control: Control, device: string): Promise<Known | undefined> {
  try {
    const { device: ref, sectors } = await control.explain(device);
    return { ref, sectors };
  } catch (error) {
    if (isInterposerError(error) && ['ENXIO', 'ENOENT'].includes(error.code)) return undefined;
    throw error;
  }
}

async function uuidOfMapped(control: Control, name: string): Promise<string> {
  const isMapped = (await control.list()).some((ref) => ref.name === name);
  return isMapped ? (await control.info(name)).uuid : '';
}

async function existing(
  control: Control,
  ref: DeviceRef,
  altitude: string | undefined,
): Promise<StandIn | undefined> {
  const owner = (await readOrigins(control)).find(
    ({ device }) => device !== undefined && numberOf(device) === numberOf(ref),
  );
  if (owner === undefined) return undefined;
  const { group, origin, real } = owner;
  const { name } = origin.info;
  if (isMerging(owner))
    throw fail('EBUSY', `a snapshot of ${ref.name} is being merged: wait until it is over`);
  const shared = { group, name, real: numberOf(real.info), device: ref, sectors: real.info.sectors };
  const isThere = (await control.remaps()).some(({ mapped }) => mapped === name);
  const edit: Edit = isThere
    ? { kind: 'reload', device: name, table: originTable(shared) }
    : beginning(name, ref, altitude);
  return { ...shared, edit, isThere };
}

async function makeNew(
  control: Control,
  device: string,
  known: Known | undefined,
  altitude: string | undefined,
  undo: Undo,
): Promise<StandIn> {
  const group = newGroup();
  const taken = new Set((await control.list()).map(({ name }) => name));
  const base = freeName(
    baseName(known?.ref.name ?? device),
    (name) => !taken.has(`${name}-real`) && !taken.has(`${name}-origin`),
  );
  const real = await makeReal(control, { name: `${base}-real`, group, device, known }, undo);
  const origin = `${base}-origin`;
  await control.create(origin, { table: originTable(real), uuid: uuidOf({ role: 'origin', group }) });
  undo.add(() => removeStandIn(control, origin));
  const edit = beginning(origin, real.device, altitude);
  return { group, name: origin, ...real, edit, isThere: false };
}

function beginning(mapped: string, device: DeviceRef, altitude: string | undefined): Edit {
  const edit = { kind: 'remap-start', mapped, device: numberOf(device) } as const;
  return altitude === undefined ? edit : { ...edit, altitude };
}

/** The device below the remap: of one that was not open its size is known only when it is. */
async function makeReal(
  control: Control,
  { name, group, device, known }: { name: string; group: string; device: string; known: Known | undefined },
  undo: Undo,
): Promise<Pick<StandIn, 'real' | 'device' | 'sectors'>> {
  const tableOf = (sectors: number): string => `0 ${String(sectors)} linear ${quoteWord(device)} 0 noexcl`;
  const info = await control.create(name, {
    table: tableOf(known?.sectors ?? 1),
    uuid: uuidOf({ role: 'real', group }),
  });
  undo.add(() => control.remove(name));
  const [ref] = await control.deps(name);
  const sectors = await sizeOf(control, ref!);
  if (sectors !== info.sectors) {
    await control.load(name, `0 ${String(sectors)} linear ${numberOf(ref!)} 0 noexcl`);
    await control.resume(name);
  }
  return { real: numberOf(info), device: ref!, sectors };
}

/** Sectors of a device that is open. */
export async function sizeOf(control: Control, ref: DeviceRef): Promise<number> {
  const summary = (await control.listDevices()).find((one) => numberOf(one) === numberOf(ref));
  if (summary === undefined) throw fail('ENODEV', `${ref.name} is gone`);
  return summary.sectors;
}

/** Whatever it stands in for serves itself again. */
export async function removeStandIn(control: Control, origin: string): Promise<void> {
  if ((await control.remaps()).some(({ mapped }) => mapped === origin)) await control.finishRemap(origin);
  await control.remove(origin);
}
