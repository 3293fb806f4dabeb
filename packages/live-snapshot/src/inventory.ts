import {
  type Control,
  type DeviceInfo,
  type DeviceRef,
  fail,
  isInterposerError,
  type TableRow,
} from '@interposer/core';
import { tagOf } from './tag.ts';

/** A mapped device of ours. */
export interface Mapped {
  readonly info: DeviceInfo;
  /** Of its live table, the one line that all tables of ours have. */
  readonly row: TableRow | undefined;
  /** What its table uses. */
  readonly deps: readonly DeviceRef[];
}

/** A device that has snapshots, with what stands in for it. */
export interface Origin {
  readonly group: string;
  readonly real: Mapped;
  readonly origin: Mapped;
  /** Undefined where it is gone. */
  readonly device: DeviceRef | undefined;
  readonly snapshots: readonly Snapshot[];
}

/** A snapshot, and where it belongs. */
export interface Snapshot extends Mapped {
  readonly auto: boolean;
}

/** Everything of ours that an engine has, read back from it. */
export async function readOrigins(control: Control): Promise<Origin[]> {
  const found = await Promise.all((await control.list()).map(({ name }) => readMapped(control, name)));
  const ours = found.flatMap((mapped) => {
    const tag = mapped === undefined ? undefined : tagOf(mapped.info.uuid);
    return tag === undefined ? [] : [{ ...tag, mapped: mapped! }];
  });
  return ours.flatMap(({ role, group, mapped: origin }) => {
    if (role !== 'origin') return [];
    const others = ours.filter((one) => one.group === group);
    const real = others.find((one) => one.role === 'real')?.mapped;
    if (real === undefined) return [];
    const snapshots = others.flatMap(({ role: its, mapped }) =>
      its === 'store' || its === 'auto' ? [{ ...mapped, auto: its === 'auto' }] : [],
    );
    return [{ group, real, origin, device: real.deps[0], snapshots }];
  });
}

/** The snapshot of that name with its origin. ENXIO where there is none. */
export async function findSnapshot(
  control: Control,
  name: string,
): Promise<{ readonly snapshot: Snapshot; readonly owner: Origin }> {
  const plain = name.replace(/^\/dev\/mapper\//, '');
  const origins = await readOrigins(control);
  for (const owner of origins) {
    const snapshot = owner.snapshots.find(({ info }) => info.name === plain);
    if (snapshot !== undefined) return { snapshot, owner };
  }
  const names = origins.flatMap(({ snapshots }) => snapshots.map(({ info }) => info.name));
  const known = names.length === 0 ? 'there are none' : `snapshots: ${names.join(', ')}`;
  throw fail('ENXIO', `there is no snapshot ${name}; ${known}`);
}

/** The number of a device, as tables take it. */
export function numberOf({ major, minor }: Pick<DeviceRef, 'major' | 'minor'>): string {
  return `${String(major)}:${String(minor)}`;
}

/** Whether a device of ours is becoming what one of its snapshots is. */
export function isMerging({ origin }: Origin): boolean {
  return origin.row?.type === 'snapshot-merge';
}

/** The snapshot that is being merged: its store is that of the origin, and it has none of its own any more. */
export function mergingOf(owner: Origin): Snapshot | undefined {
  if (!isMerging(owner)) return undefined;
  const store = storeNumber(owner.origin);
  return (
    owner.snapshots.find(({ row }) => row?.type === 'error') ??
    owner.snapshots.find((snapshot) => storeNumber(snapshot) === store)
  );
}

/** The number of the store in a line of `snapshot` or `snapshot-merge`; undefined for any other line. */
export function storeNumber({ row }: Pick<Mapped, 'row'>): string | undefined {
  return row?.type === 'snapshot' || row?.type === 'snapshot-merge' ? row.params.split(' ')[1] : undefined;
}

async function readMapped(control: Control, name: string): Promise<Mapped | undefined> {
  try {
    const info = await control.info(name);
    if (tagOf(info.uuid) === undefined) return undefined;
    const [[row], deps] = await Promise.all([control.table(name), control.deps(name)]);
    return { info, row, deps };
  } catch (error) {
    // It went away since it was listed.
    if (isInterposerError(error) && error.code === 'ENXIO') return undefined;
    throw error;
  }
}
