import type { DeviceInfo } from '@interposer/core';
import type { Service } from '../service.ts';

/** What `info` shows of a device; `targets` counts the lines of the table that was asked for. */
export async function deviceInfo(service: Service, name: string, inactive: boolean): Promise<DeviceInfo> {
  const info = await service.info(name);
  if (!inactive || !info.inactive) return info;
  return { ...info, targets: (await service.table(name, { inactive: true })).length };
}

/** The block that `info` prints, and other verbs with `-v`. Labels and order are dmsetup's. */
export function infoBlock(info: DeviceInfo): string {
  const lines: [string, string][] = [
    ['Name:', info.name],
    ['State:', stateText(info)],
  ];
  // The kernel has a disk, and with it a read-ahead, from the first table on; in sectors.
  if (info.live || info.inactive) lines.push(['Read Ahead:', '256']);
  lines.push(
    ['Tables present:', tablesText(info)],
    ['Open count:', String(info.openCount)],
    ['Event number:', String(info.eventNr)],
    ['Major, minor:', `${String(info.major)}, ${String(info.minor)}`],
    ['Number of targets:', String(info.targets)],
  );
  const text = lines.map(([label, value]) => `${label.padEnd(18)} ${value}\n`).join('');
  const uuid = info.uuid === '' ? '' : `UUID: ${info.uuid}\n`;
  const fault = info.fault === undefined ? '' : `Fault:             ${info.fault}\n`;
  return `${text}${uuid}${fault}\n`;
}

function stateText({ suspended, readOnly, deferredRemove }: DeviceInfo): string {
  const state = suspended ? 'SUSPENDED' : 'ACTIVE';
  return `${state}${readOnly ? ' (READ-ONLY)' : ''}${deferredRemove ? ' (DEFERRED REMOVE)' : ''}`;
}

function tablesText({ live, inactive }: DeviceInfo): string {
  if (live && inactive) return 'LIVE & INACTIVE';
  if (live) return 'LIVE';
  return inactive ? 'INACTIVE' : 'None';
}
