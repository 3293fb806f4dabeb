import { asError, type CreateOptions, type DeviceRef } from '@interposer/core';
import { CommandFailure, ioctlFailure } from '../failure.ts';
import { numberOption } from '../mapped-names.ts';
import { readTable } from '../table-input.ts';
import type { Command, Verb } from '../verb.ts';

export const create: Verb = {
  name: 'create',
  dmsetup: true,
  operands: 'NAME [TABLE_FILE|TABLE]',
  count: [0, 2],
  summary: 'Make a mapped device',
  about:
    'The table is a file, the text of --table or of the operand, or standard input. Each line of it is START LENGTH ' +
    'TARGET ARGUMENTS, in sectors of 512 bytes. A device in the arguments is an image file, ram:64M, an nbd:// URI, or another mapped device by ' +
    'name, /dev/mapper/NAME or MAJOR:MINOR. Relative paths start where the command is called. If anything is wrong ' +
    'nothing is made.',
  options: ['table', 'readonly', 'notable', 'uuid', 'major', 'minor'],
  examples: [
    {
      command: "interposer create disk --table '0 204800 linear my.img 0'",
      about: 'A device over the first 100 MiB of an image',
    },
    { command: 'interposer create disk table.txt', about: 'The table from a file' },
    {
      command: "printf '0 8 linear my.img 0\\n8 1 error\\n' | interposer create bad_disk",
      about: 'The table from standard input',
    },
    { command: 'interposer create disk --notable', about: 'Without a table, for load and resume' },
  ],
  run: async (command) => {
    const [name, file] = command.operands;
    if (name === undefined) throw new CommandFailure(['Please provide a name for the new device.']);
    checkFlags(command);
    checkName(name);
    const number = numberOption(command);
    const uuid = command.options.get('uuid');
    const options: CreateOptions = {
      ...(command.options.has('notable') ? {} : await tableOptions(command, file)),
      ...(uuid === undefined ? {} : { uuid }),
      ...(number === undefined ? {} : { minor: Number(command.options.get('minor')) }),
      readOnly: command.options.has('readonly'),
    };
    const service = await command.service();
    try {
      await service.create(name, options);
    } catch (error) {
      if (!isAboutTable(error)) throw ioctlFailure('create', { name, uuid: uuid ?? '' }, error);
      const wouldBe = numberFor(await service.list(), options.minor, await majorOf(service.list()));
      throw ioctlFailure('reload', { name, uuid: uuid ?? '', number: wouldBe }, error);
    }
    return undefined;
  },
};

async function tableOptions(command: Command, file: string | undefined): Promise<CreateOptions> {
  const { text, source, lines } = await readTable(command, file);
  // dmsetup loads no table when there is no line, and leaves the device without one.
  return lines.length === 0 ? {} : { table: text, source };
}

function checkFlags({ options }: Command): void {
  if (options.has('notable') && options.has('table')) {
    throw new CommandFailure(['--table and --notable are incompatible.', "Couldn't process command line."], {
      closing: false,
    });
  }
}

const MAX_NAME = 127;

/** What dmsetup refuses without asking the kernel. */
export function checkName(name: string, tooLong = 'too long.'): void {
  if (name.includes('/')) throw new CommandFailure([`Name "${name}" invalid. It contains "/".`]);
  if (name.length > MAX_NAME) throw new CommandFailure([`Name "${name}" ${tooLong}`]);
}

/** Core makes a device in one step; what it says of a table names the line. */
function isAboutTable(error: unknown): boolean {
  return /^(?:table line|the table)/.test(asError(error).message);
}

const DM_MAJOR = 254;

async function majorOf(devices: Promise<readonly DeviceRef[]>): Promise<number> {
  return (await devices)[0]?.major ?? DM_MAJOR;
}

/** The number the device would have got: as asked for, or the lowest that is free. */
function numberFor(devices: readonly DeviceRef[], minor: number | undefined, major: number): string {
  const taken = new Set(devices.map((device) => device.minor));
  let free = minor ?? 0;
  while (minor === undefined && taken.has(free)) free++;
  return `(${String(major)}:${String(free)})`;
}
