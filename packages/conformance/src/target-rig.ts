import { type Param, splitWords, type TargetType } from '@interposer/core';
import type { Place, TargetPlug } from './plugs.ts';
import type { Rig } from './rig.ts';
import type { ChaosOptions } from './tools/chaos-disk.ts';

/** What the disks below hold before anything is written. */
export const BACKGROUND = 0xd1;

const DEFAULT_SECTORS = 1024;
const MARGIN = 64;

/** A target type ready to be tried: the plug with its defaults filled in. */
export interface TargetRig {
  readonly type: TargetType;
  readonly devices: number;
  readonly sectors: number;
  readonly deviceSectors: number;
  readonly content: NonNullable<TargetPlug['content']>;
  readonly place: ((sector: number) => Place) | undefined;
  /** First sector of the row that is under test. */
  readonly first: number;
  /** Arguments over these devices. */
  readonly args: (devices: readonly string[]) => string;
  /** The arguments of the row of this rig's device under test. */
  readonly argsOf: (rig: Rig) => string;
  /** The whole table of this rig's device under test. */
  readonly tableOf: (rig: Rig) => string;
}

/** The names of what each rig's table stands on; a rig is of one case. */
const tables = new WeakMap<Rig, { readonly table: string; readonly args: string }>();

/** Fills the defaults in. Throws a TypeError where arguments cannot be made up from the params table. */
export function targetRig(plug: TargetPlug, first = 0): TargetRig {
  const { type } = plug;
  const sectors = plug.sectors ?? DEFAULT_SECTORS;
  return {
    type,
    devices: plug.devices ?? type.params.filter(({ kind }) => kind === 'device').length,
    sectors,
    deviceSectors: plug.deviceSectors ?? sectors + MARGIN,
    content: plug.content ?? 'kept',
    place: plug.place,
    first,
    args: plug.table ?? ((devices) => defaultArgs(type.name, type.params, devices)),
    argsOf: (rig) => tables.get(rig)!.args,
    tableOf: (rig) => tables.get(rig)!.table,
  };
}

/** Makes the device under test, one row over the given devices and before it, perhaps, a row of the kit's own. */
export async function createTarget(
  rig: Rig,
  subject: TargetRig,
  devices: readonly string[],
  before = '',
): Promise<void> {
  const args = subject.args(devices);
  const table = `${before}${String(subject.first)} ${String(subject.sectors)} ${subject.type.name} ${args}`;
  tables.set(rig, { table, args });
  rig.knowsPlaces = subject.place !== undefined;
  await rig.wait(rig.engine.create('subject', { table }));
  await rig.open('subject', subject.content, subject.first);
}

/** As many disks as the arguments name. */
export function addDisks(rig: Rig, subject: TargetRig, options: Partial<ChaosOptions> = {}): string[] {
  return Array.from({ length: subject.devices }, () => {
    const name = rig.addDisk({ sectors: subject.deviceSectors, ...options });
    rig.disks.at(-1)!.data.fill(BACKGROUND);
    return name;
  });
}

/** Devices for devices, the least for numbers, the first for choices: what a type that names no example is tried with. */
export function defaultArgs(name: string, params: readonly Param[], devices: readonly string[]): string {
  const left = [...devices];
  const words: string[] = [];
  for (const param of params) {
    if (param.optional === true || param.kind === 'rest' || param.kind === 'options') break;
    if (param.kind === 'device') words.push(left.shift() ?? '');
    else if (param.kind === 'sector' || param.kind === 'uint' || param.kind === 'size')
      words.push(String(param.min ?? 0));
    else if (param.kind === 'choice') words.push(param.values[0] ?? '');
    else if (param.kind === 'claim') words.push('excl');
    else throw new TypeError(`${name}: no default for the argument "${param.name}": give a table template`);
  }
  return words.join(' ');
}

/** A template such as `{0} 0 {1} 0`, with the devices put in; `{n}` beyond those there are is left out. */
export function fillTemplate(template: string, devices: readonly string[]): string {
  return splitWords(template)
    .map((word) => word.replace(/^\{(\d+)\}$/, (_, index) => devices[Number(index)] ?? ''))
    .join(' ');
}

/** How many devices a template names. */
export function countDevices(template: string): number {
  const indexes = [...template.matchAll(/\{(\d+)\}/g)].map((match) => Number(match[1]));
  return Math.max(-1, ...indexes) + 1;
}
