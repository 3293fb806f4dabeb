import type { BlockDevice } from './block-device.ts';
import { type Altitude, compareAltitudes } from './altitude.ts';
import type {
  DeviceInfo,
  DeviceRef,
  DeviceSummary,
  FilterInfo,
  LayerCounters,
  PathNode,
  ProgressRow,
  RemapInfo,
  TableRow,
} from './control.ts';
import { asError } from './errors.ts';
import type { FilterStep } from './filter-stack.ts';
import type { LiveTable } from './live-table.ts';
import { MappedDevice } from './mapped-device.ts';
import type { Port } from './port.ts';
import { remapsOn } from './remap.ts';
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
export function filterInfo(step: FilterStep, showKeys: boolean = false): FilterInfo {
  return {
    device: step.device.name,
    type: step.type.name,
    altitude: step.altitude,
    args: textOf(step, () => step.filter.table(showKeys)),
    status: textOf(step, () => step.filter.status?.() ?? ''),
  };
}

/** How far the targets are that do something by themselves. */
export function progressRows(table: LiveTable | null): ProgressRow[] {
  return (table?.rows ?? []).flatMap(({ line, target }) => {
    const progress = target.progress?.();
    const { start, length, type } = line;
    return progress === undefined ? [] : [{ start, length, type, ...progress }];
  });
}

/** What one filter fails to say of itself does not keep a listing from showing the others: it is told as a fault. */
function textOf(step: FilterStep, ask: () => string): string {
  try {
    return ask();
  } catch (error) {
    step.device.reportFault(step.label, asError(error));
    return '';
  }
}

/** A device as `device ls` shows it. */
export function summaryOf(device: BlockDevice): DeviceSummary {
  const { driverType, limits, openCount, stack } = device;
  return {
    ...refOf(device),
    driver: driverType,
    sectors: limits.sectors,
    readOnly: limits.readOnly,
    openCount,
    filters: stack.steps.length,
  };
}

/** The mapped devices that stand in for a device. */
export function remapInfosOf(device: BlockDevice): RemapInfo[] {
  return remapsOn(device).map(({ altitude, others }) => ({
    mapped: others.map((port) => port.device.name).join(' '),
    device: device.name,
    altitude,
  }));
}

/** The path of a bio through a device, from the top or from below an altitude, and through all below it. */
export function pathOf(device: BlockDevice, below: Altitude | null = null): PathNode {
  const table = device instanceof MappedDevice ? device.live : null;
  const seen = device.stack.steps.filter(
    ({ altitude }) => below === null || compareAltitudes(altitude, below) < 0,
  );
  return {
    device: refOf(device),
    sectors: device.limits.sectors,
    ...(below === null ? {} : { below }),
    counters: { bios: device.gate.entered },
    inflight: device.gate.inflight,
    filters: seen.map((step) => ({
      ...filterInfo(step),
      counters: countersOf(step),
      others: step.others.map(pathThrough),
    })),
    ...(device instanceof MappedDevice ? {} : { driver: device.driverType }),
    rows: (table?.rows ?? []).map((row) => ({
      row: toRow(row, row.target.table(false)),
      counters: countersOf(row),
      below: portsOf(row).map(pathThrough),
    })),
  };
}

function pathThrough(port: Port): PathNode {
  return pathOf(port.device, port.below);
}

function countersOf({ bios, cost }: FilterStep | Row): LayerCounters {
  return { bios, ...(cost === undefined ? {} : { cost }) };
}

function portsOf(row: Row): Port[] {
  return [...new Set(row.target.areas().map(({ port }) => port))];
}

function rowsOf(table: LiveTable | null, params: (row: Row) => string): TableRow[] {
  return (table?.rows ?? []).map((row) => toRow(row, params(row)));
}

function toRow({ line }: Row, params: string): TableRow {
  return { start: line.start, length: line.length, type: line.type, params };
}
