import { fail } from '@interposer/core';
import type { Service } from '../service.ts';
import type { Command, Verb } from '../verb.ts';

export const flush: Verb = {
  name: 'flush',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Make every write that was acknowledged stable',
  options: [],
  examples: [{ command: 'interposer flush disk', about: 'As fsync on a block device' }],
  run: async (command) => {
    await (await command.service()).flush(command.operands[0]!);
    return undefined;
  },
};

export const discard: Verb = {
  name: 'discard',
  operands: 'DEV SECTOR COUNT',
  count: [3, 3],
  summary: 'Tell a device that a range is no longer needed',
  about: 'In sectors of 512 bytes.',
  options: [],
  examples: [{ command: 'interposer discard disk 2048 8192', about: '4 MiB from 1 MiB on' }],
  run: (command) =>
    onRange(command, (service, device, sector, count) => service.discard(device, sector, count)),
};

export const zero: Verb = {
  name: 'zero',
  operands: 'DEV SECTOR COUNT',
  count: [3, 3],
  summary: 'Fill a range with zeros',
  about: 'In sectors of 512 bytes.',
  options: [],
  examples: [{ command: 'interposer zero disk 0 2048', about: 'The first MiB' }],
  run: (command) => onRange(command, (service, device, sector, count) => service.zero(device, sector, count)),
};

async function onRange(
  command: Command,
  work: (service: Service, device: string, sector: number, count: number) => Promise<void>,
): Promise<undefined> {
  const [device, sector, count] = command.operands;
  await work(await command.service(), device!, sectors('sector', sector!), sectors('count', count!));
}

function sectors(what: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value))
    throw fail('EINVAL', `${what} "${text}" is not a whole number of sectors`);
  return value;
}
