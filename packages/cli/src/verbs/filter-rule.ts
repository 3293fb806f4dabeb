import { fail } from '@interposer/core';
import { ANY, type Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const filterRuleAdd: Verb = {
  name: 'filter rule add',
  operands: "PATTERN 'TYPE[@ALTITUDE] ARGS'...",
  count: [2, ANY],
  summary: 'Give new devices a filter by their name',
  about:
    'Devices that come from now on get it before their first request if their name matches, lowest altitude first; a mapped ' +
    'device comes with its first table. In PATTERN * stands for any characters and ? for one; the name of an image is its ' +
    'absolute path. Prints the number of the rule. A device that cannot have its filter cannot be opened.',
  options: [],
  examples: [
    { command: "interposer filter rule add '*.img' stats", about: 'Statistics of every image' },
    { command: "interposer filter rule add 'vm-*' 'throttle iops=500'", about: 'A limit for some devices' },
  ],
  run: async (command) => {
    const [pattern, ...words] = command.operands;
    const service = await command.service();
    const rule = await service.addRule(pattern!, words.join(' '));
    command.show(rule, () => `${String(rule.id)}\n`);
    return undefined;
  },
};

export const filterRuleRm: Verb = {
  name: 'filter rule rm',
  operands: 'ID',
  count: [1, 1],
  summary: 'Forget a rule',
  about: 'Devices that are there keep what they have.',
  options: [],
  examples: [{ command: 'interposer filter rule rm 1', about: 'By the number that add printed' }],
  run: async (command) => {
    const [text] = command.operands;
    const id = /^\d{1,15}$/.test(text!) ? Number(text) : undefined;
    if (id === undefined) throw fail('EINVAL', `rule "${text!}" is no number; filter rule ls shows them`);
    const service = await command.service();
    await service.removeRule(id);
    return undefined;
  },
};

export const filterRuleLs: Verb = {
  name: 'filter rule ls',
  operands: '',
  count: [0, 0],
  summary: 'List the rules by which new devices get filters',
  about: 'Secrets among the arguments of filters are shown with --showkeys only.',
  options: ['showkeys'],
  examples: [{ command: 'interposer filter rule ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const rules = await service.rules({ showKeys: command.options.has('showkeys') });
    command.show(rules, () => {
      if (rules.length === 0) return 'No rules found\n';
      const rows = rules.map(({ id, pattern, filter }) => [String(id), pattern, filter]);
      return formatTable(['ID', 'PATTERN', 'FILTER'], rows, ['ID']);
    });
    return undefined;
  },
};
