// @ts-check
/** Random cases of dust and log-writes: what only they have. */

import { requests } from './operations.mjs';

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */
/** @typedef {import('./index.mjs').MakeSteps} MakeSteps */

/** Blocks that turn bad and good. @type {MakeSteps} */
export function badBlocks(random) {
  const size = random.pick([512, 512, 1024, 4096]);
  const offset = random.pick([0, 8, 16, 100]);
  const unit = size / 512;
  const first = Math.floor(offset / unit);
  const block = () => first + random.below(Math.ceil(64 / unit));
  const wrong = () =>
    random.pick(['-1', 'x', '100000', '', String(Math.floor(1024 / unit) + 1), '1 2 3', '3 256']);
  const messages = [
    () => `addbadblock ${block()}`,
    () => `addbadblock ${block()}`,
    () => `addbadblock ${block()} ${random.below(3)}`,
    () => `removebadblock ${block()}`,
    () => `queryblock ${block()}`,
    () => 'countbadblocks',
    () => 'listbadblocks',
    () => random.pick(['enable', 'ENABLE', 'disable', 'quiet', 'clearbadblocks']),
    () => `${random.pick(['addbadblock', 'removebadblock', 'queryblock', 'nothing'])} ${wrong()}`.trimEnd(),
  ];
  const told = () => [`message x 0 ${random.pick(messages)()}`];
  const steps = [`create x 0 64 dust {a} ${offset} ${size}`, 'message x 0 addbadblock ' + block()];
  if (random.chance(0.8)) steps.push('message x 0 enable');
  for (let round = 0; round < 6; round++)
    steps.push(
      ...told(),
      ...told(),
      ...requests(random, 'x', 64, 2, ['read', 'read', 'write', 'discard', 'zero', 'flush']),
    );
  return [...steps, 'message x 0 listbadblocks', 'status x', 'table x', 'disk a'];
}

const MARKS = [
  'mark start',
  'mark',
  'mark a b',
  'MARK big',
  'remark x',
  'mark a-very-long-word-'.padEnd(80, 'x'),
];

/** What is written to the log. @type {MakeSteps} */
export function logs(random) {
  const [table, sectors] = random.pick(LOGGED)(random);
  /** @type {string[]} */
  const steps = [...table];
  const some = () =>
    random.chance(0.2)
      ? [`message x ${sectors - 1} ${random.pick(MARKS)}`]
      : requests(random, 'x', sectors, 1, [
          'write',
          'write',
          'write',
          'read',
          'discard',
          'zero',
          'flush',
          'flush',
        ]);
  for (let round = 0; round < 10; round++) steps.push(...some());
  // What takes down goes on for a moment behind the last request.
  steps.push('wait 50', 'status x', 'table x', ...some(), ...some(), 'remove x', 'disk a', 'disk b');
  return steps;
}

/** Tables with log-writes in their last row. @type {((random: Random) => [steps: string[], sectors: number])[]} */
const LOGGED = [
  () => [['create x 0 192 log-writes {a} {b}'], 192],
  () => [['create x 0 192 log-writes {a} {b}'], 192],
  () => [['create x 0 64 linear {c} 0 / 64 128 log-writes {a} {b}'], 192],
  (random) => [[`create y 0 128 linear {a} ${random.below(800)}`, 'create x 0 128 log-writes {y} {b}'], 128],
  (random) => [
    [
      `create l 0 ${random.between(8, 100)} linear {b} ${random.below(900)}`,
      'create x 0 128 log-writes {a} {l}',
    ],
    128,
  ],
  (random) => [
    [
      `create y 0 128 flakey {a} 0 0 100000 1 ${random.pick(['drop_writes', 'error_writes'])}`,
      'create x 0 128 log-writes {y} {b}',
    ],
    128,
  ],
];
