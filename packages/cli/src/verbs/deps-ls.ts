import type { DeviceInfo, DeviceRef } from '@interposer/core';
import { CommandFailure } from '../failure.ts';
import { infos } from '../mapped-names.ts';
import { ANY, type Command, type Verb } from '../verb.ts';
import { drawTree } from './device-tree.ts';
import { eachDevice } from './each-device.ts';
import { deviceInfo, infoBlock } from './info-block.ts';
import { blockName } from './info-fields.ts';

export const deps: Verb = {
  name: 'deps',
  dmsetup: true,
  operands: '[DEV...]',
  count: [0, ANY],
  summary: 'List the devices that tables use',
  options: ['options', 'inactive', 'verbose', 'uuid', 'major', 'minor'],
  examples: [
    { command: 'interposer deps disk', about: 'By number' },
    { command: 'interposer deps -o devname', about: 'All devices, by name' },
  ],
  run: (command) => {
    const form = nameForm(command);
    const verbose = command.options.has('verbose');
    const inactive = command.options.has('inactive');
    return eachDevice(
      command,
      'deps',
      async (name, service) => ({
        name,
        deps: await service.deps(name, { inactive }),
        info: await deviceInfo(service, name, inactive),
      }),
      ({ name, deps: uses, info }, _name, several) => {
        const list = uses.map((ref) => ` (${refText(ref, form, info.major, ', ')})`).join('');
        const prefix = several && !verbose ? `${name}: ` : '';
        return `${verbose ? infoBlock(info) : ''}${prefix}${String(uses.length)} dependencies\t:${list}\n`;
      },
    );
  },
};

export const ls: Verb = {
  name: 'ls',
  dmsetup: true,
  operands: '',
  count: [0, 0],
  summary: 'List the mapped devices',
  options: ['target', 'options', 'tree'],
  examples: [
    { command: 'interposer ls', about: 'Names and numbers' },
    { command: 'interposer ls --tree', about: 'What stands on what' },
    { command: 'interposer ls --target striped', about: 'Devices with such a target' },
  ],
  run: (command) => (command.options.has('tree') ? tree(command) : list(command)),
};

async function list(command: Command): Promise<undefined> {
  const service = await command.service();
  const form = nameForm(command);
  const target = command.options.get('target');
  const all = await infos(service);
  const devices: DeviceInfo[] = [];
  for (const device of all) {
    if (target === undefined || (await service.table(device.name)).some(({ type }) => type === target))
      devices.push(device);
  }
  command.show(devices, () => {
    if (all.length === 0) return 'No devices found\n';
    return devices.map((device) => `${device.name}\t(${listedNumber(device, form, target)})\n`).join('');
  });
}

/** A device without a table has no node that could be named; with `--target` dmsetup writes numbers its other way. */
function listedNumber(device: DeviceInfo, form: NameForm, target: string | undefined): string {
  if (target !== undefined) return refText(device, 'devno', device.major, ', ');
  return refText(device, device.live ? form : 'devno', device.major, ':');
}

async function tree(command: Command): Promise<undefined> {
  const service = await command.service();
  const devices = await infos(service);
  const uses = new Map<string, DeviceRef[]>();
  for (const { name } of devices) uses.set(name, await service.deps(name));
  command.show(
    devices.map((device) => ({ ...device, deps: uses.get(device.name) })),
    () => (devices.length === 0 ? 'No devices found\n' : drawTree(devices, uses, treeAttributes(command))),
  );
}

const TREE_OPTIONS = ['ascii', 'device', 'nodevice', 'blkdevname', 'active', 'open', 'rw', 'uuid'];

function treeAttributes(command: Command): string[] {
  const asked = (command.options.get('options') ?? '').split(',').filter((word) => word !== '');
  const unknown = asked.find((word) => !TREE_OPTIONS.includes(word));
  if (unknown === undefined) return asked;
  throw badOption(`Tree options not recognised: ${unknown}.`);
}

type NameForm = 'devno' | 'devname' | 'blkdevname';

function nameForm(command: Command): NameForm {
  const form = command.options.get('options') ?? 'devno';
  if (form === 'devno' || form === 'devname' || form === 'blkdevname') return form;
  throw badOption(`Option not recognised: ${form}.`);
}

function refText(ref: DeviceRef, form: NameForm, mappedMajor: number, between: string): string {
  if (form === 'devname') return ref.name;
  if (form === 'blkdevname') return blockName(ref, mappedMajor);
  return `${String(ref.major)}${between}${String(ref.minor)}`;
}

function badOption(line: string): CommandFailure {
  return new CommandFailure([line, "Couldn't process command line."], { closing: false });
}
