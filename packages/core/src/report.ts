import type { BlockDevice } from './block-device.ts';
import type { DeviceInfo, DeviceRef, FilterInfo, PathNode, TableRow } from './control.ts';
import type { FilterStep } from './filter-stack.ts';
import type { LiveTable } from './live-table.ts';
import { MappedDevice } from './mapped-device.ts';
import type { Row } from './row.ts';

/** A device by number and name. */
export function refOf({ name, major, minor }: BlockDevice): DeviceRef {
  return { name, major, minor };
}

/** Everything `info` shows of a mapped device. */
export function infoOf(device: MappedDevice): DeviceInfo {
  const { live, inactive, fault } = device;
  return {
    ...refOf(device),
    uuid: device.uuid,
    suspended: device.suspended,
    readOnly: device.limits.readOnly,
    deferredRemove: device.deferredRemove,
    live: live !== null,
    inactive: inactive !== null,
    openCount: device.openCount,
    eventNr: device.eventNr,
    targets: live?.rows.length ?? 0,
    sectors: device.limits.sectors,
    ...(fault === null ? {} : { fault: `${fault.culprit}: ${fault.error.message}` }),
  };
}

/** The lines that would load the table again. */
export function tableRows(table: LiveTable | null, showKeys: boolean): TableRow[] {
  return rowsOf(table, (row) => row.target.table(showKeys));
}

/** The state of each target. */
export function statusRows(table: LiveTable | null): TableRow[] {
  return rowsOf(table, (row) => row.target.status?.() ?? '');
}

/** A filter as listings show it. */
export function filterInfo(step: FilterStep): FilterInfo {
  return {
    device: step.device.name,
    type: step.type.name,
    altitude: step.altitude,
    args: step.filter.table(),
    status: step.filter.status?.() ?? '',
  };
}

/** The path of a bio through a device and all below it. */
export function pathOf(device: BlockDevice): PathNode {
  const table = device instanceof MappedDevice ? device.live : null;
  return {
    device: refOf(device),
    sectors: device.limits.sectors,
    filters: device.stack.steps.map(filterInfo),
    ...(device instanceof MappedDevice ? {} : { driver: device.driverType }),
    rows: (table?.rows ?? []).map((row) => ({
      row: toRow(row, row.target.table(false)),
      below: devicesOf(row).map(pathOf),
    })),
  };
}

function devicesOf(row: Row): BlockDevice[] {
  return [...new Set(row.target.areas().map(({ port }) => port.device))];
}

function rowsOf(table: LiveTable | null, params: (row: Row) => string): TableRow[] {
  return (table?.rows ?? []).map((row) => toRow(row, params(row)));
}

function toRow({ line }: Row, params: string): TableRow {
  return { start: line.start, length: line.length, type: line.type, params };
}
