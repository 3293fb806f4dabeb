import { fail } from '@interposer/core';
import { mappedName } from './device-words.ts';
import type { Stack, StackDevice, StackItem } from './stack.ts';

/** What is made first comes first: rules, so that the new devices get their filters; then what stands on what. */
const ORDER = ['rule', 'device', 'filter', 'remap', 'export'] as const;

/**
 * The items of a stack in the order in which they are made; taken down in the reverse. A device whose table names another
 * device of the file, by name or as `/dev/mapper/NAME`, comes after it; else the order is that of the file. ELOOP where
 * tables name one another in a circle, with the circle.
 */
export function planUp(stack: Stack): StackItem[] {
  return ORDER.flatMap((kind) =>
    kind === 'device' ? planDevices(stack) : stack.items.filter((item) => item.kind === kind),
  );
}

function planDevices({ items }: Stack): StackDevice[] {
  const devices = new Map(
    items.flatMap((item) => (item.kind === 'device' ? [[item.name, item] as const] : [])),
  );
  const planned = new Set<StackDevice>();
  // Devices on the way from the one that is looked at.
  const way: StackDevice[] = [];
  const visit = (device: StackDevice): void => {
    if (planned.has(device)) return;
    if (way.includes(device)) throw circle([...way.slice(way.indexOf(device)), device]);
    way.push(device);
    for (const lower of lowerDevices(device, devices)) visit(lower);
    way.pop();
    planned.add(device);
  };
  for (const device of devices.values()) visit(device);
  return [...planned];
}

function lowerDevices({ lines }: StackDevice, devices: ReadonlyMap<string, StackDevice>): StackDevice[] {
  const named = lines.flatMap(({ words }) => words.map((word) => devices.get(mappedName(word))));
  return named.filter((device) => device !== undefined);
}

function circle(devices: readonly StackDevice[]): Error {
  const names = devices.map(({ name }) => name).join(' -> ');
  return fail(
    'ELOOP',
    `${devices[0]!.where}: the tables of these devices name one another in a circle: ${names}`,
  );
}
