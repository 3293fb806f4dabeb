import { fail, splitWords } from '@interposer/core';
import { CommandFailure } from '../failure.ts';
import { namedDevices, operationFailure } from '../mapped-names.ts';
import { ANY, type Verb } from '../verb.ts';
import { checkName } from './create.ts';
import { deviceInfo, infoBlock } from './info-block.ts';
import { waitForProgress } from './wait-progress.ts';

export const rename: Verb = {
  name: 'rename',
  dmsetup: true,
  operands: 'DEV NEW_NAME',
  count: [1, 2],
  summary: 'Give a mapped device another name, or a UUID',
  about: 'Works on a device in use as well. A UUID can be set once, with --setuuid.',
  options: ['setuuid', 'uuid', 'major', 'minor'],
  examples: [
    { command: 'interposer rename disk old_disk', about: 'Another name' },
    { command: 'interposer rename disk --setuuid DISK-1', about: 'A UUID' },
  ],
  run: async (command) => {
    const { operands, options } = command;
    const byOption = options.has('uuid') || options.has('major');
    const target = byOption ? operands[0] : operands[1];
    if (target === undefined) throw new CommandFailure(['No device specified.']);
    if (!options.has('setuuid')) {
      if (target === '') throw new CommandFailure(['Non empty new name is required.']);
      checkName(target, 'too long');
    }
    const [device] = await namedDevices(command, 'rename', operands.slice(0, 1));
    const { name, subject } = device!;
    const service = await command.service();
    const done = options.has('setuuid') ? service.setUuid(name, target) : service.rename(name, target);
    await done.catch((error: unknown) => {
      throw operationFailure('rename', subject, error);
    });
    return undefined;
  },
};

export const message: Verb = {
  name: 'message',
  dmsetup: true,
  operands: 'DEV SECTOR WORD...',
  count: [2, ANY],
  summary: 'Give a message to the target at a sector',
  about:
    'The answer is printed, if there is one. The sector hardly matters where the table has one line: 0 will do.',
  options: ['uuid', 'major', 'minor'],
  examples: [
    {
      command: 'interposer message disk 0 @cancel_deferred_remove',
      about: 'Keep a device that is marked for removal',
    },
  ],
  run: async (command) => {
    const byOption = command.options.has('uuid') || command.options.has('major');
    const [word, sector = '', ...words] = byOption ? ['', ...command.operands] : command.operands;
    if (!/^\d+$/.test(sector)) throw new CommandFailure(['Invalid sector.']);
    const [device] = await namedDevices(command, 'message', [word!]);
    const { name, subject } = device!;
    const service = await command.service();
    // dmsetup joins the words with blanks, and the kernel cuts the text into words again.
    const answer = await service
      .message(name, Number(sector), splitWords(words.join(' ')))
      .catch((error: unknown) => {
        const { lines } = operationFailure('message', subject, error);
        throw new CommandFailure(words.length === 0 ? ['No message supplied.', ...lines] : lines, {
          cause: error,
        });
      });
    command.show(answer, () => (answer === '' || answer.endsWith('\n') ? answer : `${answer}\n`));
    return undefined;
  },
};

export const wait: Verb = {
  name: 'wait',
  dmsetup: true,
  operands: 'DEV [EVENT_NUMBER]',
  count: [0, 2],
  summary: 'Wait for an event on a mapped device',
  about:
    'Returns as soon as the event number of the device is another than the given one, 0 by default: at once if it is ' +
    'another already. Rename and remove are events too. With --progress it waits instead until a resync or a merge of the ' +
    'device is over: with a bar on a terminal, a line each 10 % elsewhere, and a line of JSON for each change with --json; ' +
    'the exit code is 1 where it cannot come to its end.',
  options: ['progress', 'noflush', 'verbose', 'uuid', 'major', 'minor'],
  examples: [
    {
      command: 'interposer wait disk $(interposer info -c --noheadings -o events disk)',
      about: 'The next event',
    },
    { command: 'interposer wait --progress disk', about: 'The end of a resync or merge' },
  ],
  run: async (command) => {
    if (command.options.has('progress')) return waitForProgress(command);
    const byOption = command.options.has('uuid') || command.options.has('major');
    const [word, number = '0'] = byOption ? ['', ...command.operands] : command.operands;
    if (word === undefined) throw new CommandFailure(['No device specified.']);
    const [device] = await namedDevices(command, 'waitevent', [word]);
    const { name, subject } = device!;
    const service = await command.service();
    const eventNr = await service.wait(name, leadingNumber(number)).catch((error: unknown) => {
      throw operationFailure('waitevent', subject, error);
    });
    if (command.options.has('verbose')) command.print(infoBlock(await deviceInfo(service, name, false)));
    else if (command.options.has('json')) command.show({ name, eventNr }, () => '');
    return undefined;
  },
};

/** As C's strtoul reads a number: digits in front, 0 if there are none. */
function leadingNumber(text: string): number {
  const value = Number(/^\d*/.exec(text)?.[0] ?? '0');
  if (!Number.isSafeInteger(value)) throw fail('EINVAL', `event number ${text} is not in 0..2^32-1`);
  return value;
}
