import { fail } from '@interposer/core';
import type { ItemStatus, Stack, Step } from '@interposer/stack-file';
import type { RemoteService } from '../daemon/remote.ts';
import { stackFiles } from '../stack-files.ts';
import { userFile } from '../user-file.ts';
import type { Command, Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

/** The stack file of a folder. */
const DEFAULT_FILE = 'interposer.yaml';

export const up: Verb = {
  name: 'up',
  operands: '[FILE]',
  count: [0, 1],
  summary: 'Make the devices, filters, remaps, rules and exports of a stack file',
  about:
    'FILE is interposer.yaml unless another is named; docs/stack-file.md has the format. What is there as the file says is ' +
    'kept. Where something is there but differs, nothing is done; when something cannot be made, what was made before is ' +
    'taken down again. Relative paths in the file start in its folder.',
  options: [],
  examples: [
    { command: 'interposer up', about: 'The stack of this folder' },
    { command: 'IMAGE=/tmp/my.img interposer up bad-disk.yaml', about: 'A file that has a variable' },
  ],
  run: (command) => steps(command, 'up'),
};

export const down: Verb = {
  name: 'down',
  operands: '[FILE]',
  count: [0, 1],
  summary: 'Take away what a stack file names',
  about:
    'Upper things first. FILE is interposer.yaml unless another is named. What is not there is skipped, and an error does not ' +
    'stop it: a device that somebody else has open stays.',
  options: [],
  examples: [
    { command: 'interposer down', about: 'The stack of this folder' },
    { command: 'interposer down bad-disk.yaml', about: 'Another one' },
  ],
  run: (command) => steps(command, 'down'),
};

/** The file is read first: a bad one starts no daemon. */
async function steps(command: Command, direction: 'up' | 'down'): Promise<undefined> {
  const { operands, options } = command;
  const stack = await openStack(command, operands[0] ?? DEFAULT_FILE);
  const service = await serviceAt(command, stack);
  const onStep = ({ label, outcome }: Step): void => {
    // A failure is told as an error, with its reason.
    if (!options.has('json') && outcome !== 'failed') command.print(`${outcome} ${label}\n`);
  };
  const { [direction]: work } = await stackFiles();
  const done = await work(service, stack, { onStep });
  if (options.has('json')) command.show(done, () => '');
  return undefined;
}

/** `status --stack FILE`; resolves to 0 if everything in the file is present, else to 1. */
export async function stackStatus(command: Command): Promise<number> {
  if (command.operands.length > 0) throw fail('EINVAL', 'name either devices or a stack file, not both');
  const stack = await openStack(command, command.options.get('stack')!);
  const { status } = await stackFiles();
  const items = await status(await serviceAt(command, stack), stack);
  command.show(items, () => (items.length === 0 ? '' : formatTable(['STATE', 'ITEM'], items.flatMap(rows))));
  return items.every(({ state }) => state === 'present') ? 0 : 1;
}

function rows({ label, state, difference }: ItemStatus): string[][] {
  if (difference === undefined) return [[state, label]];
  return [
    [state, label],
    ['', `  file:    ${difference.wanted}`],
    ['', `  running: ${difference.running}`],
  ];
}

async function openStack(command: Command, file: string): Promise<Stack> {
  const { readStackFile } = await stackFiles();
  return readStackFile(userFile(command, file), { environment: command.around.env });
}

/** Relative paths in the file mean what is beside it. */
async function serviceAt(command: Command, { directory }: Stack): Promise<RemoteService> {
  const service = await command.service();
  await service.chdir(directory);
  return service;
}
