// @ts-check
/** Random cases, the same for the same seed: legal and illegal tables, and what is done with the devices. */

import { Random } from '../../../packages/core/dist/index.js';
import { spoil } from './mistakes.mjs';
import { DISKS, flushesOf, looks, requests } from './operations.mjs';
import { makeTable, ROWS } from './rows.mjs';
import { snapshotCase } from './snapshots.mjs';

/** @typedef {{ name: string, steps: string[] }} PlannedCase */
/** @typedef {(random: Random, type: string) => string[]} MakeSteps */

/** A device over one type: all it tells, and requests to it. @type {MakeSteps} */
function requestsTo(random, type) {
  const { table, sectors } = makeTable(random, type === 'mixed' ? mixed(random) : [type]);
  return [
    `create x ${table}`,
    ...looks('x'),
    ...requests(random, 'x', sectors, 8),
    ...flushesOf('x'),
    ...DISKS,
  ];
}

/** Tables of which most are refused. @type {MakeSteps} */
function mistakes(random, type) {
  const steps = [];
  for (let round = 0; round < 3; round++) {
    const { table } = makeTable(random, type === 'mixed' ? mixed(random) : [type]);
    steps.push(`create x ${spoil(random, table)}`, 'table x', 'remove x');
  }
  return steps;
}

/** A second table, which comes into use or is given up. @type {MakeSteps} */
function reloads(random, type) {
  const other = random.pick(['linear', 'striped', 'zero', 'error']);
  const first = makeTable(random, [type === 'mixed' ? 'linear' : type]);
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
    ...requests(random, 'x', Math.min(old.sectors, next.sectors), 4),
    'remove x',
    'info x',
  ];
}

/** A device over another one. @type {MakeSteps} */
function stacks(random, type) {
  const lower = makeTable(random, type === 'mixed' ? mixed(random) : [type]);
  const offset = random.below(lower.sectors - 8);
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
    ...requests(random, 'y', length, 5),
    ...requests(random, 'x', lower.sectors, 2, ['read', 'write']),
    'remove y',
    'remove x',
    ...DISKS,
  ];
}

/** Messages, most of which nobody takes. @type {MakeSteps} */
function messages(random, type) {
  const { table, sectors } = makeTable(random, type === 'mixed' ? mixed(random) : [type]);
  const words = ['hello', 'mark a', '@foo', 'disable', 'key wipe', 'io_cmd', ''];
  const sector = () => random.pick([0, 1, sectors - 1, sectors, 100000]);
  return [
    `create x ${table}`,
    ...Array.from({ length: 3 }, () => `message x ${sector()} ${random.pick(words)}`.trimEnd()),
    'status x',
  ];
}

/** @param {Random} random */
function mixed(random) {
  return Array.from({ length: random.between(2, 4) }, () =>
    random.pick(['linear', 'striped', 'zero', 'error', 'delay', 'mirror']),
  );
}

/** @type {readonly (readonly [name: string, weight: number, make: MakeSteps])[]} */
const KINDS = [
  ['requests', 5, requestsTo],
  ['mistakes', 4, mistakes],
  ['reload', 2, reloads],
  ['stack', 2, stacks],
  ['message', 1, messages],
];

/**
 * @param {string} group a target type, `mixed` for several in one table, or `snapshot`
 * @param {number} seed
 * @param {number} count
 * @returns {PlannedCase[]}
 */
export function generate(group, seed, count) {
  const random = new Random(seed);
  const kinds = KINDS.flatMap((kind) => Array.from({ length: kind[1] }, () => kind));
  return Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(3, '0');
    if (group === 'snapshot') return { name: `snapshot-${number}`, steps: snapshotCase(random) };
    const [kind, , make] = random.pick(kinds);
    return { name: `${group}-${number}-${kind}`, steps: make(random, group) };
  });
}

/** All groups. */
export const GROUPS = [...Object.keys(ROWS), 'mixed', 'snapshot'];
