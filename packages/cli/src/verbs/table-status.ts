import type { DeviceInfo, TableRow } from '@interposer/core';
import type { Service } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';
import { eachDevice } from './each-device.ts';
import { deviceInfo, infoBlock } from './info-block.ts';
import { stackStatus } from './stack.ts';

/** What a device answers to `table` or `status`. */
interface Answer {
  readonly name: string;
  readonly rows: readonly TableRow[];
  /** With `-v`. */
  readonly info?: DeviceInfo;
}

export const table: Verb = {
  name: 'table',
  dmsetup: true,
  operands: '[DEV...]',
  count: [0, ANY],
  summary: 'Print the tables of mapped devices',
  about: 'In a form that load takes again. Secrets are shown with --showkeys only.',
  options: ['inactive', 'target', 'showkeys', 'verbose', 'uuid', 'major', 'minor'],
  examples: [
    { command: 'interposer table disk', about: 'The live table of a device' },
    { command: 'interposer table --inactive disk', about: 'The table that resume would make live' },
    { command: 'interposer table --target linear', about: 'The linear lines of all devices' },
  ],
  run: (command) => {
    const inactive = command.options.has('inactive');
    const showKeys = command.options.has('showkeys');
    return lines(command, 'table', (service, name) => service.table(name, { inactive, showKeys }));
  },
};

export const status: Verb = {
  name: 'status',
  dmsetup: true,
  operands: '[DEV...]',
  count: [0, ANY],
  summary: 'Print the state of the targets of mapped devices',
  about:
    'With --stack it compares what a stack file names with what there is: each item is present, absent, or differs, with ' +
    'both sides. Then the exit code is 0 if all of it is present, else 1.',
  options: ['stack', 'inactive', 'target', 'noflush', 'verbose', 'uuid', 'major', 'minor'],
  examples: [
    { command: 'interposer status disk', about: 'One device' },
    { command: 'interposer status --json', about: 'All devices, for a program' },
    { command: 'interposer status --stack interposer.yaml', about: 'Whether all of a stack file is up' },
  ],
  run: (command) => {
    if (command.options.has('stack')) return stackStatus(command);
    const inactive = command.options.has('inactive');
    return lines(command, 'status', (service, name) => service.status(name, { inactive }));
  },
};

function lines(
  command: Command,
  operation: string,
  ask: (service: Service, name: string) => Promise<TableRow[]>,
): Promise<undefined> {
  const { options } = command;
  const target = options.get('target');
  const work = async (name: string, service: Service): Promise<Answer> => {
    const all = await ask(service, name);
    const rows = all.filter(({ type }) => target === undefined || type === target);
    if (!options.has('verbose')) return { name, rows };
    return { name, rows, info: await deviceInfo(service, name, options.has('inactive')) };
  };
  return eachDevice(command, operation, work, (answer, name, several) => text(answer, several, target));
}

/** A device without a table is an empty line. With `-v` the block stands first and says whose lines these are. */
function text({ name, rows, info }: Answer, several: boolean, target: string | undefined): string {
  const prefix = several && info === undefined ? `${name}: ` : '';
  const parts = rows.map(
    ({ start, length, type, params }) => `${prefix}${String(start)} ${String(length)} ${type} ${params}\n`,
  );
  if (parts.length === 0) {
    if (target !== undefined) return '';
    parts.push(`${prefix}\n`);
  }
  if (info !== undefined) {
    parts.unshift(infoBlock(info));
    if (several) parts.push('\n');
  }
  return parts.join('');
}
