import type { DeviceInfo } from '@interposer/core';
import { infos, namedDevices, operationFailure } from '../mapped-names.ts';
import type { Service } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';
import { eachDevice } from './each-device.ts';
import { deviceInfo, infoBlock } from './info-block.ts';
import { columns, selectFields, sortDevices } from './info-columns.ts';
import type { InfoField, ReportedDevice } from './info-fields.ts';

export const info: Verb = {
  name: 'info',
  dmsetup: true,
  operands: '[DEV...]',
  count: [0, ANY],
  summary: 'Show the state of mapped devices',
  about: 'Of all of them if none is named; with -c in columns.',
  options: [
    'columns',
    'options',
    'sort',
    'noheadings',
    'separator',
    'nameprefixes',
    'unquoted',
    'inactive',
    'uuid',
    'major',
    'minor',
  ],
  examples: [
    { command: 'interposer info disk', about: 'One device' },
    { command: 'interposer info -c -o name,attr,open', about: 'Some columns of all devices' },
    { command: 'interposer info -c --noheadings -o events disk', about: 'The event number, for wait' },
  ],
  run: (command) => (command.options.has('columns') ? inColumns(command) : inBlocks(command)),
};

function inBlocks(command: Command): Promise<undefined> {
  const inactive = command.options.has('inactive');
  return eachDevice(command, 'info', (name, service) => deviceInfo(service, name, inactive), infoBlock);
}

async function inColumns(command: Command): Promise<undefined> {
  const { options } = command;
  const service = await command.service();
  const fields = selectFields(options.get('options'));
  const devices = await chosen(command, service);
  if (devices.length === 0 && !options.has('json')) {
    command.print('No devices found\n');
    return;
  }
  const reported = await withRelations(service, devices, fields);
  const sorted = sortDevices(reported, options.get('sort'));
  command.show(
    sorted.map((device) => Object.fromEntries(fields.map((field) => [field.name, jsonValue(field, device)]))),
    () => columns(fields, sorted, options),
  );
}

function jsonValue(field: InfoField, device: ReportedDevice): string | number {
  return field.numeric === true ? Number(field.value(device)) : field.value(device);
}

async function chosen(command: Command, service: Service): Promise<DeviceInfo[]> {
  const named = await namedDevices(command, 'info');
  if (named.length === 0) return infos(service);
  const devices: DeviceInfo[] = [];
  for (const { name, subject } of named) {
    const device = await deviceInfo(service, name, command.options.has('inactive')).catch(
      (error: unknown) => {
        throw operationFailure('info', subject, error);
      },
    );
    devices.push(device);
  }
  return devices;
}

/** What stands on what is asked for only where a column shows it. */
async function withRelations(
  service: Service,
  devices: readonly DeviceInfo[],
  fields: readonly InfoField[],
): Promise<ReportedDevice[]> {
  if (!fields.some((field) => field.relations === true)) {
    return devices.map((device) => ({ info: device, uses: [], usedBy: [] }));
  }
  const all = await service.list();
  const uses = new Map(
    await Promise.all(all.map(async ({ name }) => [name, await service.deps(name)] as const)),
  );
  return devices.map((device) => ({
    info: device,
    uses: uses.get(device.name) ?? [],
    usedBy: all.filter(({ name }) =>
      uses.get(name)?.some((ref) => ref.major === device.major && ref.minor === device.minor),
    ),
  }));
}
