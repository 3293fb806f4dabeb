import type { FilterInfo } from '@interposer/core';
import { ANY, type Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const filterAttach: Verb = {
  name: 'filter attach',
  operands: "DEV 'TYPE[@ALTITUDE] ARGS'...",
  count: [2, ANY],
  summary: 'Slide filters over a device while it is in use',
  about:
    'DEV is a mapped device, or any device that is open: an image file, a number. Filters stand in order of altitude, a ' +
    'decimal number; the highest sees a request first. Words behind DEV that are not quoted belong to one filter.',
  options: [],
  examples: [
    { command: "interposer filter attach disk 'error'", about: 'Fail every request from now on' },
    { command: "interposer filter attach disk 'error@200000'", about: 'At an altitude of its own' },
  ],
  run: async (command) => {
    const [device, ...words] = command.operands;
    const service = await command.service();
    const filter = await service.attachFilter(device!, words.join(' '));
    command.show(filter, () => `${filter.type}@${filter.altitude}\n`);
    return undefined;
  },
};

export const filterDetach: Verb = {
  name: 'filter detach',
  operands: 'DEV TYPE|ALTITUDE|TYPE@ALTITUDE',
  count: [2, 2],
  summary: 'Take a filter out again',
  about:
    'No request fails or is lost by it. With --force a filter that keeps its requests goes too, and they fail.',
  options: ['force'],
  examples: [
    { command: 'interposer filter detach disk error', about: 'By type' },
    { command: 'interposer filter detach disk 200000', about: 'By altitude' },
  ],
  run: async (command) => {
    const [device, which] = command.operands;
    const service = await command.service();
    await service.detachFilter(device!, which!, { force: command.options.has('force') });
    return undefined;
  },
};

export const filterSwap: Verb = {
  name: 'filter swap',
  operands: "DEV OLD 'TYPE[@ALTITUDE] ARGS'...",
  count: [3, ANY],
  summary: 'Put a filter in the place of another in one step',
  about:
    'No request passes without one of the two. OLD is a filter by type, by altitude, or by both as TYPE@ALTITUDE. The new one ' +
    'takes the altitude of the old one unless it names another. Where the new one cannot be, the old one stays.',
  options: [],
  examples: [
    { command: "interposer filter swap disk throttle 'throttle iops=500'", about: 'Other arguments' },
    { command: "interposer filter swap disk 340000 'delay 20'", about: 'Another type, at that altitude' },
  ],
  run: async (command) => {
    const [device, old, ...words] = command.operands;
    const service = await command.service();
    const filter = await service.swapFilter(device!, old!, words.join(' '));
    command.show(filter, () => `${filter.type}@${filter.altitude}\n`);
    return undefined;
  },
};

export const filterLs: Verb = {
  name: 'filter ls',
  operands: '[DEV]',
  count: [0, 1],
  summary: 'List the filters of one device or of all, from the highest down',
  about: 'Secrets among their arguments are shown with --showkeys only.',
  options: ['showkeys'],
  examples: [{ command: 'interposer filter ls disk', about: 'One device' }],
  run: async (command) => {
    const service = await command.service();
    const showKeys = command.options.has('showkeys');
    const filters = await service.filters(command.operands[0], { showKeys });
    command.show(filters, () => (filters.length === 0 ? 'No filters found\n' : listing(filters)));
    return undefined;
  },
};

function listing(filters: readonly FilterInfo[]): string {
  return formatTable(
    ['DEVICE', 'ALTITUDE', 'TYPE', 'ARGUMENTS', 'STATUS'],
    filters.map(({ device, altitude, type, args, status }) => [device, altitude, type, args, status]),
  );
}

export const filterMessage: Verb = {
  name: 'filter message',
  operands: 'DEV TYPE|ALTITUDE|TYPE@ALTITUDE WORD...',
  count: [3, ANY],
  summary: 'Give a message to a filter',
  about: 'The answer is printed, if there is one. Which messages there are is said by the type.',
  options: [],
  examples: [
    { command: 'interposer filter message disk stats report', about: 'Ask' },
    { command: 'interposer filter message disk throttle set iops=1000', about: 'Change it live' },
  ],
  run: async (command) => {
    const [device, which, ...words] = command.operands;
    const service = await command.service();
    const answer = await service.messageFilter(device!, which!, words);
    command.show(answer, () => (answer === '' || answer.endsWith('\n') ? answer : `${answer}\n`));
    return undefined;
  },
};
