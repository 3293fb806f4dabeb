import type { DeviceInfo, DeviceRef } from '@interposer/core';

/** A device as `info -c` sees it. */
export interface ReportedDevice {
  readonly info: DeviceInfo;
  /** What it stands on. */
  readonly uses: readonly DeviceRef[];
  /** The mapped devices that stand on it. */
  readonly usedBy: readonly DeviceRef[];
}

/** A column of `info -c`. Names, headings and widths are dmsetup's. */
export interface InfoField {
  readonly name: string;
  readonly heading: string;
  /** Least width. */
  readonly width: number;
  /** Numbers stand right and are sorted as numbers. */
  readonly numeric?: boolean;
  /** Whether it takes the devices below and above, which cost a call each. */
  readonly relations?: boolean;
  value(device: ReportedDevice): string;
}

function number({ major, minor }: DeviceRef): string {
  return `${String(major)}:${String(minor)}`;
}

/** The major number of mapped devices is that of the device itself. */
function isMapped(ref: DeviceRef, { info }: ReportedDevice): boolean {
  return ref.major === info.major;
}

function attributes({ live, inactive, suspended, readOnly }: DeviceInfo): string {
  return `${live ? 'L' : '-'}${inactive ? 'I' : '-'}${suspended ? 's' : '-'}${readOnly ? 'r' : 'w'}`;
}

function loaded({ live, inactive }: DeviceInfo): string {
  if (live && inactive) return 'Both';
  if (live) return 'Live';
  return inactive ? 'Inactive' : 'None';
}

/** The name the kernel gives a block device: `dm-0`, or that of the leaf. */
export function blockName(ref: DeviceRef, mappedMajor: number): string {
  return ref.major === mappedMajor ? `dm-${String(ref.minor)}` : ref.name;
}

function names(refs: readonly DeviceRef[], name: (ref: DeviceRef) => string): string {
  return refs.map(name).join(',');
}

/** Every column, by dmsetup's names. */
export const INFO_FIELDS: readonly InfoField[] = [
  { name: 'name', heading: 'Name', width: 16, value: ({ info }) => info.name },
  { name: 'uuid', heading: 'UUID', width: 32, value: ({ info }) => info.uuid },
  {
    name: 'read_ahead',
    heading: 'RAhead',
    width: 6,
    numeric: true,
    value: ({ info }) => (info.live || info.inactive ? '256' : '0'),
  },
  { name: 'blkdevname', heading: 'BlkDevName', width: 16, value: ({ info }) => blockName(info, info.major) },
  { name: 'attr', heading: 'Stat', width: 4, value: ({ info }) => attributes(info) },
  { name: 'tables_loaded', heading: 'Tables', width: 6, value: ({ info }) => loaded(info) },
  {
    name: 'suspended',
    heading: 'Suspended',
    width: 9,
    value: ({ info }) => (info.suspended ? 'Suspended' : 'Active'),
  },
  {
    name: 'readonly',
    heading: 'Read-only',
    width: 9,
    value: ({ info }) => (info.readOnly ? 'Read-only' : 'Writeable'),
  },
  { name: 'devno', heading: 'DevNo', width: 5, value: ({ info }) => number(info) },
  { name: 'major', heading: 'Maj', width: 3, numeric: true, value: ({ info }) => String(info.major) },
  { name: 'minor', heading: 'Min', width: 3, numeric: true, value: ({ info }) => String(info.minor) },
  { name: 'open', heading: 'Open', width: 4, numeric: true, value: ({ info }) => String(info.openCount) },
  { name: 'segments', heading: 'Targ', width: 4, numeric: true, value: ({ info }) => String(info.targets) },
  { name: 'events', heading: 'Event', width: 6, numeric: true, value: ({ info }) => String(info.eventNr) },
  {
    name: 'device_count',
    heading: '#Devs',
    width: 5,
    numeric: true,
    relations: true,
    value: ({ uses }) => String(uses.length),
  },
  {
    name: 'devs_used',
    heading: 'DevNamesUsed',
    width: 16,
    relations: true,
    value: (device) =>
      names(
        device.uses.filter((ref) => isMapped(ref, device)),
        (ref) => ref.name,
      ),
  },
  {
    name: 'devnos_used',
    heading: 'DevNosUsed',
    width: 16,
    relations: true,
    value: ({ uses }) => names(uses, number),
  },
  {
    name: 'blkdevs_used',
    heading: 'BlkDevNamesUsed',
    width: 16,
    relations: true,
    value: ({ uses, info }) => names(uses, (ref) => blockName(ref, info.major)),
  },
  {
    name: 'device_ref_count',
    heading: '#Refs',
    width: 5,
    numeric: true,
    relations: true,
    value: ({ usedBy }) => String(usedBy.length),
  },
  {
    name: 'names_using_dev',
    heading: 'RefNames',
    width: 8,
    relations: true,
    value: ({ usedBy }) => names(usedBy, (ref) => ref.name),
  },
  {
    name: 'devnos_using_dev',
    heading: 'RefDevNos',
    width: 9,
    relations: true,
    value: ({ usedBy }) => names(usedBy, number),
  },
];

/** What `info -c` shows unless told otherwise. */
export const DEFAULT_FIELDS: readonly string[] = [
  'name',
  'major',
  'minor',
  'attr',
  'open',
  'segments',
  'events',
  'uuid',
];
