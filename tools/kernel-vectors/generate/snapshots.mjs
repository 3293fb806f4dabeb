// @ts-check
/** Random cases of snapshots: an origin in use, one or two stores, merges. */

import { spoil } from './mistakes.mjs';
import { DISKS, requests } from './operations.mjs';

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */

/**
 * Sectors of the origin: a part of its disk. It is resumed after its snapshots are made: the kernel looks at their chunks then, and
 * copies only the first chunk of a large write for one that came later.
 */
const ORIGIN = 256;
/** A disk of zeroes becomes a store. */
const EMPTY = ['zero b 0 64', 'zero c 0 64'];
const IO = ['read', 'write', 'write', 'flush'];

/** @param {Random} random */
function store(random) {
  return `{b} ${random.pick(['P', 'P', 'P', 'PO', 'N'])} ${random.pick([1, 4, 8, 8, 16, 32])}`.replace(
    '{b} ',
    '',
  );
}

/** @param {Random} random */
function histories(random) {
  const second = random.chance(0.4);
  const snapshots = second ? ['s', 't'] : ['s'];
  /** @type {string[]} */
  const steps = [
    ...EMPTY,
    `create s 0 ${ORIGIN} snapshot {a} {b} ${store(random)}`,
    `create o 0 ${ORIGIN} snapshot-origin {a}`,
  ];
  steps.push(...requests(random, 'o', ORIGIN, 3, IO), ...requests(random, 's', ORIGIN, 2, IO));
  if (second) steps.push(`create t 0 ${ORIGIN} snapshot {a} {c} ${store(random)}`, 'suspend o', 'resume o');
  for (let round = 0; round < 3; round++) {
    steps.push(...requests(random, random.pick(['o', ...snapshots]), ORIGIN, 3, IO));
    steps.push(...snapshots.map((name) => `status ${name}`));
  }
  for (const name of ['o', ...snapshots])
    steps.push(`read ${name} 0 ${ORIGIN}`, `table ${name}`, `status ${name}`, `deps ${name}`);
  return [...steps, 'info s', ...snapshots.map((name) => `remove ${name}`), 'remove o', ...DISKS];
}

/** @param {Random} random */
function merges(random) {
  const words = `P ${random.pick([1, 4, 8, 16])}`;
  return [
    ...EMPTY,
    `create s 0 ${ORIGIN} snapshot {a} {b} ${words}`,
    `create o 0 ${ORIGIN} snapshot-origin {a}`,
    ...requests(random, 'o', ORIGIN, 5, IO),
    ...requests(random, 's', ORIGIN, 3, IO),
    'status s',
    `read s 0 ${ORIGIN}`,
    'remove s',
    'suspend o',
    `load o 0 ${ORIGIN} snapshot-merge {a} {b} ${words}`,
    'table-inactive o',
    'resume o',
    // Nobody could tell what was merged when a request comes, so it comes behind.
    'settle o',
    ...requests(random, 'o', ORIGIN, 3, IO),
    'status o',
    `read o 0 ${ORIGIN}`,
    'table o',
    'remove o',
    ...DISKS,
  ];
}

/** A store that is too small. @param {Random} random */
function overflows(random) {
  const letter = random.pick(['P', 'PO', 'N']);
  const chunk = random.pick([4, 8]);
  return [
    ...EMPTY,
    `create w 0 ${chunk * random.between(4, 8)} linear {b} 0`,
    `create s 0 ${ORIGIN} snapshot {a} {w} ${letter} ${chunk}`,
    `create o 0 ${ORIGIN} snapshot-origin {a}`,
    ...Array.from({ length: 10 }, () =>
      requests(random, random.pick(['o', 's']), ORIGIN, 1, ['write']),
    ).flat(),
    'status s',
    'read s 0 8',
    'read o 0 64',
    'info s',
    'remove s',
    'remove o',
    // What is left in a store that is of no use any more depends on what was under way.
    'disk a',
    'disk c',
  ];
}

/** @param {Random} random */
function mistakes(random) {
  const type = random.pick(['snapshot', 'snapshot', 'snapshot-merge', 'snapshot-origin']);
  const words = type === 'snapshot-origin' ? '{a}' : `{a} {b} ${store(random)}`;
  const steps = [...EMPTY];
  for (let round = 0; round < 3; round++)
    steps.push(`create x ${spoil(random, `0 ${ORIGIN} ${type} ${words}`)}`, 'table x', 'remove x');
  return steps;
}

/** @type {readonly import('./index.mjs').Kind[]} */
export const SNAPSHOTS = [
  ['history', 3, histories],
  ['merge', 2, merges],
  ['overflow', 1, overflows],
  ['mistakes', 1, mistakes],
];
