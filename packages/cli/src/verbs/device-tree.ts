import type { DeviceInfo, DeviceRef } from '@interposer/core';
import { blockName } from './info-fields.ts';

type Uses = ReadonlyMap<string, readonly DeviceRef[]>;

/** Draws what stands on what, as `dmsetup ls --tree` does: those that nobody uses at the left. */
export function drawTree(devices: readonly DeviceInfo[], uses: Uses, attributes: readonly string[]): string {
  const mappedMajor = devices[0]?.major ?? 0;
  const used = new Set([...uses.values()].flat().map((ref) => `${String(ref.major)}:${String(ref.minor)}`));
  const byNumber = new Map(
    devices.map((device) => [`${String(device.major)}:${String(device.minor)}`, device]),
  );
  const lines: string[] = [];
  const draw = (ref: DeviceRef, prefix: string, indent: string): void => {
    const device = byNumber.get(`${String(ref.major)}:${String(ref.minor)}`);
    if (device === undefined && attributes.includes('nodevice')) return;
    lines.push(`${prefix}${label(ref, device, mappedMajor, attributes)}\n`);
    const children = device === undefined ? [] : (uses.get(device.name) ?? []);
    for (const [at, child] of children.entries()) {
      const isLast = at === children.length - 1;
      draw(child, `${indent}${isLast ? ' `-' : ' |-'}`, `${indent}${isLast ? '   ' : ' | '}`);
    }
  };
  for (const device of devices) {
    if (!used.has(`${String(device.major)}:${String(device.minor)}`)) draw(device, '', '');
  }
  return lines.join('');
}

function label(
  ref: DeviceRef,
  device: DeviceInfo | undefined,
  mappedMajor: number,
  attributes: readonly string[],
): string {
  const hasNode = device?.live !== false;
  const block = attributes.includes('blkdevname') && hasNode ? ` <${blockName(ref, mappedMajor)}>` : '';
  const number = attributes.includes('nodevice') ? '' : ` (${String(ref.major)}:${String(ref.minor)})`;
  if (device === undefined) return `${block}${number}`;
  const values = [
    ['active', device.suspended ? 'SUSPENDED' : 'ACTIVE'],
    ['rw', device.readOnly ? 'RO' : 'RW'],
    ['open', String(device.openCount)],
    ['uuid', device.uuid],
  ].flatMap(([name, value]) => (attributes.includes(name!) ? [value!] : []));
  return `${device.name}${block}${number}${values.length === 0 ? '' : ` [${values.join(', ')}]`}`;
}
