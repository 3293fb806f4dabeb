import { CommandFailure } from '../failure.ts';
import { namedDevices, operationFailure, someDevices } from '../mapped-names.ts';
import { readTable } from '../table-input.ts';
import { ANY, type Verb } from '../verb.ts';
import { forDevices } from './each-device.ts';

export const load: Verb = {
  name: 'load',
  aliases: ['reload'],
  dmsetup: true,
  operands: 'DEV [TABLE_FILE|TABLE]',
  count: [0, 2],
  summary: 'Load a table into the inactive slot',
  about:
    'The live table is not touched; resume makes the loaded one live. A table that was loaded before is given up.',
  options: ['table', 'readonly', 'uuid', 'major', 'minor'],
  examples: [
    {
      command: "interposer load disk --table '0 204800 linear other.img 0' && interposer resume disk",
      about: 'Swap the table of a device in use',
    },
    { command: 'interposer load disk table.txt', about: 'The table from a file' },
  ],
  run: async (command) => {
    const { options, operands } = command;
    if (options.has('notable'))
      throw new CommandFailure(['--notable only available when creating new device.']);
    const byOption = options.has('uuid') || options.has('major');
    const file = byOption ? operands[0] : operands[1];
    if (!byOption && operands.length === 0) throw new CommandFailure(['Please specify device.']);
    const [device] = await namedDevices(command, 'reload', operands.slice(0, 1));
    const { name, subject } = device!;
    const { text, source } = await readTable(command, file);
    const service = await command.service();
    await service.load(name, text, { source, readOnly: options.has('readonly') }).catch((error: unknown) => {
      throw operationFailure('reload', subject, error);
    });
    return undefined;
  },
};

export const clear: Verb = {
  name: 'clear',
  dmsetup: true,
  operands: 'DEV...',
  count: [0, ANY],
  summary: 'Empty the inactive slot',
  options: ['uuid', 'major', 'minor'],
  examples: [{ command: 'interposer clear disk', about: 'Give up a table that was loaded by mistake' }],
  run: async (command) => {
    const service = await command.service();
    return forDevices(await someDevices(command, 'clear'), 'clear', (name) => service.clear(name));
  },
};

export const suspend: Verb = {
  name: 'suspend',
  dmsetup: true,
  operands: 'DEV...',
  count: [0, ANY],
  summary: 'Stop the I/O of mapped devices',
  about:
    'New bios wait, those inside end first. With --noflush, bios that a target holds back stay for the next table.',
  options: ['noflush', 'nolockfs', 'uuid', 'major', 'minor'],
  examples: [{ command: 'interposer suspend disk', about: 'Until resume' }],
  run: async (command) => {
    const service = await command.service();
    const noflush = command.options.has('noflush');
    return forDevices(await someDevices(command, 'suspend'), 'suspend', (name) =>
      service.suspend(name, { noflush }),
    );
  },
};

export const resume: Verb = {
  name: 'resume',
  dmsetup: true,
  operands: 'DEV...',
  count: [0, ANY],
  summary: 'Make a loaded table live and let I/O go on',
  options: ['noflush', 'nolockfs', 'uuid', 'major', 'minor'],
  examples: [{ command: 'interposer resume disk', about: 'After load or suspend' }],
  run: async (command) => {
    const service = await command.service();
    const noflush = command.options.has('noflush');
    return forDevices(await someDevices(command, 'resume'), 'resume', (name) =>
      service.resume(name, { noflush }),
    );
  },
};

export const wipeTable: Verb = {
  name: 'wipe_table',
  dmsetup: true,
  operands: 'DEV...',
  count: [0, ANY],
  summary: 'Put an error target in place of the live table',
  about: 'Every request to the device fails from then on.',
  options: ['noflush', 'nolockfs', 'uuid', 'major', 'minor'],
  examples: [{ command: 'interposer wipe_table disk', about: 'Let everybody see errors' }],
  run: async (command) => {
    const service = await command.service();
    for (const { name, subject } of await someDevices(command, 'table')) {
      const rows = await service.table(name).catch((error: unknown) => {
        // dmsetup asks for the size first, and tries to load all the same.
        const lines = ['table', 'reload'].flatMap(
          (operation) => operationFailure(operation, subject, error).lines,
        );
        throw new CommandFailure(lines, { cause: error });
      });
      const size = rows.reduce((end, row) => Math.max(end, row.start + row.length), 0);
      await forDevices([{ name, subject }], 'reload', () => service.load(name, `0 ${String(size)} error`));
      await forDevices([{ name, subject }], 'resume', () =>
        service.resume(name, { noflush: command.options.has('noflush') }),
      );
    }
    return undefined;
  },
};
