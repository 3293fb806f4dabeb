// @ts-check
/** Random cases, the same for the same seed: legal and illegal tables, and what is done with the devices. */

import { Random } from '../../../packages/core/dist/index.js';
import { keys, refused as refusedCrypt, unaligned } from './keys.mjs';
import { badBlocks, logs } from './logs.mjs';
import { spoil } from './mistakes.mjs';
import { DISKS, flushesOf, looks, requests } from './operations.mjs';
import { makeTable, ROWS } from './rows.mjs';
import { SNAPSHOTS } from './snapshots.mjs';
import { brokenTree, mended, refused as refusedVerity, verified } from './verity.mjs';

/** @typedef {{ name: string, steps: string[] }} PlannedCase */
/** @typedef {(random: Random, type: string) => string[] | Promise<string[]>} MakeSteps */
/** @typedef {readonly [name: string, weight: number, make: MakeSteps]} Kind */

/** A device over one type: all it tells, and requests to it. @type {MakeSteps} */
function requestsTo(random, type) {
  const { table, sectors, unit } = makeTable(random, rowsOf(random, type));
  return [
    `create x ${table}`,
    ...looks('x'),
    ...requests(random, 'x', sectors, 8, undefined, unit),
    ...flushesOf('x'),
    ...DISKS,
  ];
}

/** Tables of which most are refused. @type {MakeSteps} */
function mistakes(random, type) {
  const steps = [];
  for (let round = 0; round < 3; round++) {
    const { table } = makeTable(random, rowsOf(random, type));
    steps.push(`create x ${spoil(random, table)}`, 'table x', 'remove x');
  }
  return steps;
}

/** A second table, which comes into use or is given up. @type {MakeSteps} */
function reloads(random, type) {
  const other = random.pick(['linear', 'striped', 'zero', 'error']);
  const first = makeTable(random, rowsOf(random, type));
  const second = makeTable(random, [other]);
  const both = random.chance(0.5) ? [first, second] : [second, first];
  const [old, next] = /** @type {[typeof first, typeof first]} */ (both);
  const inactive = random.pick([
    ['clear x'],
    ['table-inactive x', 'status-inactive x'],
    ['suspend x', 'info x'],
  ]);
  return [
    `create x ${old.table}`,
    `load x ${random.chance(0.2) ? spoil(random, next.table) : next.table}`,
    'info x',
    ...inactive,
    'resume x',
    ...looks('x'),
    ...requests(
      random,
      'x',
      Math.min(old.sectors, next.sectors),
      4,
      undefined,
      Math.max(old.unit, next.unit),
    ),
    'remove x',
    'info x',
  ];
}

/** A device over another one. @type {MakeSteps} */
function stacks(random, type) {
  const lower = makeTable(random, rowsOf(random, type));
  const { unit } = lower;
  const offset = random.below(lower.sectors / unit - 1) * unit;
  const length = lower.sectors - offset;
  const upper = random.pick([
    `linear {x} ${offset}`,
    `delay {x} ${offset} 0`,
    `flakey {x} ${offset} 100000 0`,
  ]);
  return [
    `create x ${lower.table}`,
    `create y 0 ${length} ${upper}`,
    ...looks('y'),
    'info x',
    'remove x',
    ...requests(random, 'y', length, 5, undefined, unit),
    ...requests(random, 'x', lower.sectors, 2, ['read', 'write'], unit),
    'remove y',
    'remove x',
    ...DISKS,
  ];
}

/** Messages, most of which nobody takes. @type {MakeSteps} */
function messages(random, type) {
  const { table, sectors } = makeTable(random, rowsOf(random, type));
  const words = ['hello', 'mark a', '@foo', 'disable', 'key wipe', 'io_cmd', ''];
  const sector = () => random.pick([0, 1, sectors - 1, sectors, 100000]);
  return [
    `create x ${table}`,
    ...Array.from({ length: 3 }, () => `message x ${sector()} ${random.pick(words)}`.trimEnd()),
    'status x',
  ];
}

/** Things that cannot be done. @type {MakeSteps} */
function misuses(random, type) {
  const { table, sectors, unit } = makeTable(random, rowsOf(random, type));
  const wrong = [
    `create x ${table}`,
    'create y 0 8 linear {nobody} 0',
    'remove nobody',
    'resume nobody',
    'suspend nobody',
    'load nobody 0 8 zero',
    'clear nobody',
    'rename x x',
    'rename x y',
    'rename nobody z',
    'message nobody 0 hello',
    `message x ${sectors} hello`,
    'status nobody',
    'deps nobody',
    'read nobody 0 8',
    'write nobody 0 8 0',
    'remove x',
    'table-inactive y',
    `load x 0 ${sectors} linear {x} 0`,
    `load y 0 ${unit} linear {x} ${sectors}`,
    `load y 0 ${unit * 2} linear {x} ${sectors - unit}`,
  ];
  const steps = [`create x ${table}`, `create y 0 ${unit} linear {x} 0`];
  for (let round = 0; round < 7; round++) steps.push(random.pick(wrong));
  return [...steps, 'info x', 'info y', 'table x', 'table y', 'remove y', 'remove x', 'info x'];
}

/** Types for the rows of a table: mostly one. @param {Random} random @param {string} type */
function rowsOf(random, type) {
  if (type === 'mixed') return mixed(random);
  // Two of them would write to one log.
  return Array.from(
    { length: type === 'log-writes' || random.chance(0.6) ? 1 : random.between(2, 3) },
    () => type,
  );
}

/** @param {Random} random */
function mixed(random) {
  return Array.from({ length: random.between(2, 4) }, () =>
    random.pick(['linear', 'striped', 'zero', 'error', 'delay', 'mirror']),
  );
}

/** @type {readonly Kind[]} */
const KINDS = [
  ['requests', 5, requestsTo],
  ['mistakes', 4, mistakes],
  ['reload', 2, reloads],
  ['stack', 2, stacks],
  ['message', 1, messages],
  ['misuse', 2, misuses],
];

/** What the cases of a group are like, if not all of them as those of the others. @type {Readonly<Record<string, readonly Kind[]>>} */
const KINDS_OF = {
  dust: [...KINDS, ['bad-blocks', 12, badBlocks]],
  'log-writes': [...KINDS, ['log', 12, logs]],
  crypt: [
    ...KINDS,
    ['requests', 8, requestsTo],
    ['keys', 4, keys],
    ['refused', 3, refusedCrypt],
    ['unaligned', 2, unaligned],
  ],
  verity: [
    ['verified', 4, verified],
    ['broken-tree', 2, brokenTree],
    ['mended', 2, mended],
    ['refused', 4, refusedVerity],
  ],
  snapshot: SNAPSHOTS,
};

/**
 * @param {string} group a target type, or `mixed` for several in one table
 * @param {number} seed
 * @param {number} count
 * @returns {Promise<PlannedCase[]>}
 */
export async function generate(group, seed, count) {
  // Groups that began alike would have the same choices all the way.
  const random = new Random([...group].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), seed));
  const kinds = (KINDS_OF[group] ?? KINDS).flatMap((kind) => Array.from({ length: kind[1] }, () => kind));
  const cases = [];
  for (let index = 0; index < count; index++) {
    const number = String(index + 1).padStart(3, '0');
    const [kind, , make] = random.pick(kinds);
    cases.push({ name: `${group}-${number}-${kind}`, steps: await make(random, group) });
  }
  return cases;
}

/** All groups. */
export const GROUPS = [...Object.keys(ROWS), 'mixed', 'snapshot', 'verity'];
