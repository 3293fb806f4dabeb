import { fail } from '@interposer/core';
import type { Options } from '../command-line.ts';
import type { Service } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';

/** The filter that models the cache of a disk. */
const CACHE = 'volatile';

export const powerCut: Verb = {
  name: 'power-cut',
  operands: 'DEV...',
  count: [1, ANY],
  summary: 'Cut the power of disks: what no flush made stable may be lost',
  about:
    'For devices with the filter volatile, which keeps writes as the cache of a disk does. Of those that are not stable some ' +
    'survive, some in part, in any order; the same seed gives the same again. Requests then fail until power-on, or with --on ' +
    'the power is back at once. Several devices lose it at the same moment. Prints for each the seed and how many writes were ' +
    'kept, torn and lost.',
  options: ['seed', 'keep', 'torn', 'on'],
  examples: [
    { command: 'interposer power-cut disk', about: 'Cut it; power-on brings the disk back' },
    { command: 'interposer power-cut disk --seed 7 --on', about: 'The cut of this seed, and the power back' },
    { command: 'interposer power-cut data log --keep 0', about: 'Two disks at once that keep nothing' },
  ],
  run: async (command) => {
    const reports = await tellCaches(command, ['cut', ...cutWords(command.options)]);
    command.show(
      reports.map(({ device, answer }) => ({ device, ...numbersOf(answer) })),
      () => reports.map(({ device, answer }) => `${device}: ${answer}\n`).join(''),
    );
    return undefined;
  },
};

export const powerOn: Verb = {
  name: 'power-on',
  operands: 'DEV...',
  count: [1, ANY],
  summary: 'Bring back the power of disks after a power-cut',
  options: [],
  examples: [{ command: 'interposer power-on disk', about: 'Requests are served again' }],
  run: async (command) => {
    const reports = await tellCaches(command, ['on']);
    command.show(
      reports.map(({ device }) => ({ device })),
      () => '',
    );
    return undefined;
  },
};

/** What the cache of a device answered. */
interface Report {
  readonly device: string;
  readonly answer: string;
}

/**
 * Nothing is said to any of them unless all have a cache and power to lose, or to get back; and then to all at once: nobody
 * writes in between.
 */
async function tellCaches(command: Command, words: readonly string[]): Promise<Report[]> {
  const { operands } = command;
  const service = await command.service();
  const names: string[] = [];
  for (const device of operands) names.push(await deviceWithCache(service, device, words[0] === 'cut'));
  const answers = new Map(
    [...new Set(names)].map((name) => [name, service.messageFilter(name, CACHE, words)] as const),
  );
  const told = await Promise.all(names.map((name) => answers.get(name)!));
  return operands.map((device, at) => ({ device, answer: told[at]!.trimEnd() }));
}

/** The name that the engine knows the device by, which takes it no time to find: a path would first be looked up. */
async function deviceWithCache(service: Service, device: string, isOn: boolean): Promise<string> {
  const filters = await service.filters(device);
  const cache = filters.find(({ type }) => type === CACHE);
  if (cache !== undefined) {
    const power = /\bpower=(\w+)/.exec(cache.status)?.[1];
    if (power !== undefined && (power === 'on') !== isOn)
      throw fail('EALREADY', `the power of ${device} is ${power} already`);
    return cache.device;
  }
  throw fail(
    'ENOENT',
    `${device} has no cache to lose: slide one over it with interposer filter attach ${device} ${CACHE}`,
  );
}

/** The words of the message behind `cut`. The filter knows what it allows; here stands what belongs on a command line. */
function cutWords(options: Options): string[] {
  const words = ['seed', 'keep', 'torn'].flatMap((name) => {
    const text = options.get(name);
    if (text === undefined) return [];
    if (!/^\d+$/.test(text)) throw fail('EINVAL', `--${name} ${text}: not a whole number`);
    return [`${name}=${text}`];
  });
  return options.has('on') ? [...words, 'on'] : words;
}

/** `seed=7 kept=1` as numbers by name. */
function numbersOf(answer: string): Record<string, number> {
  const pairs = answer.split(' ').map((word) => word.split('=', 2));
  return Object.fromEntries(pairs.map(([name = '', value]) => [name, Number(value)]));
}
