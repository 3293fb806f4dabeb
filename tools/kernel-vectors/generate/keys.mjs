// @ts-check
/** Random cases of crypt: keys that are wiped and set again, requests that do not fit its sectors. */

import { hex, otherKey } from './ciphers.mjs';
import { requests } from './operations.mjs';
import { makeTable } from './rows.mjs';

/** @typedef {import('./index.mjs').MakeSteps} MakeSteps */

/** One key for all rows, since a message goes to one of them. @type {MakeSteps} */
export function keys(random) {
  const { table, sectors, unit } = makeTable(random, ['crypt']);
  const io = ['read', 'write'];
  const key = otherKey(random, table);
  const old = table.split(' ')[4];
  const bad = [
    'key',
    'key wipe now',
    'key set',
    `key set ${key}00`,
    `key set ${key.slice(2)}`,
    'key set -',
    'key drop',
    `keys set ${key}`,
    `key set ${key.slice(0, -2)}xy`,
    'hello world',
  ];
  return [
    `create x ${table}`,
    ...requests(random, 'x', sectors, 3, io, unit),
    `message x 0 ${random.pick(['key wipe', `key set ${key}`, 'key'])}`,
    'suspend x',
    `message x 0 ${random.pick(bad)}`,
    `message x ${random.pick([0, sectors - 1, sectors])} ${random.pick(['key wipe', 'KEY Wipe'])}`,
    `message x 0 ${random.pick(['key wipe', 'key'])}`,
    'resume x',
    'table-keys x',
    'table x',
    `message x 0 ${random.pick(bad)}`,
    `message x 0 key set ${key}`,
    'table-keys x',
    'resume x',
    'info x',
    ...requests(random, 'x', sectors, 3, io, unit),
    'suspend x',
    `message x 0 key set ${old}`,
    'resume x',
    `read x 0 ${Math.min(sectors, unit * 4)}`,
    'disk a',
    'disk b',
    'disk c',
  ];
}

const CIPHERS = [
  'aes-cbc',
  'aes-xts',
  'nothing-cbc-plain64',
  'aes-nothing-plain64',
  'aes-cbc-nothing',
  'aes-cbc-essiv',
  'aes-cbc-essiv:nothing',
  'aes-cbc-benbi:x',
  'aes:3-cbc-plain64',
  'aes:0-cbc-plain64',
  'aes:x-cbc-plain64',
  'capi:nothing(aes)-plain64',
  'capi:xts(aes',
  'cbc(aes)-plain64',
  '-cbc-plain64',
  'aes-',
  'aes-ecb-essiv:sha256',
  'AES-CBC-PLAIN64',
  'aes-cbc-plain64-more',
];
const OPTIONS = [
  '1',
  '1 nothing',
  '2 allow_discards',
  '1 sector_size:100',
  '1 sector_size:8192',
  '1 sector_size:512',
  '1 sector_size:1024 iv_large_sectors',
  '0',
  '1 ALLOW_DISCARDS',
  '2 allow_discards allow_discards',
  '-1 allow_discards',
  '1 sector_size',
  '1 integrity:0:none',
  '1 integrity:4:nothing',
  '3 no_write_workqueue same_cpu_crypt allow_discards',
  '10 allow_discards',
];

/** Tables that are wrong in ways that only crypt knows. @type {MakeSteps} */
export function refused(random) {
  const key = hex(random, 32);
  const [device, options] = [random.pick(['{a} 0', '{b} 8', '{c} 1000', '{a} 4']), random.pick(OPTIONS)];
  const lines = [
    `0 64 crypt ${random.pick(CIPHERS)} ${key} 0 ${device}`,
    `0 64 crypt aes-xts-plain64 ${key.slice(0, random.between(0, 63)) || '-'} 0 {a} 0`,
    `0 64 crypt aes-xts-plain64 ${key} 0 {a} 0 ${options}`,
    `0 ${random.pick([60, 63, 68])} crypt aes-xts-plain64 ${key} ${random.pick([0, 4, 8])} {a} ${random.pick([0, 4, 8])} 1 sector_size:4096`,
    `0 64 crypt aes-xts-plain64 ${random.pick([':32:logon:none', ':32:user:none', ':32:nothing:none', ':x:user:none', ':32', '::', ':32:user:', `${key.slice(2)}zz`])} 0 {a} 0`,
  ];
  return lines.flatMap((line) => [`create x ${line}`, 'table-keys x', 'remove x']);
}

/** Requests that are no whole sectors of the device. @type {MakeSteps} */
export function unaligned(random) {
  const size = random.pick([1024, 2048, 4096]);
  const unit = size / 512;
  const odd = () => random.pick(['read', 'write', 'zero', 'discard']);
  const from = /** @param {string} verb */ (verb) => (verb === 'write' ? ' 5' : '');
  const steps = [
    `create x 0 64 crypt aes-xts-plain64 ${hex(random, 32)} 0 {a} 8 2 sector_size:${size} allow_discards`,
  ];
  for (let round = 0; round < 4; round++) {
    const verb = odd();
    const [sector, count] = random.pick([
      [1, unit],
      [0, 1],
      [unit, unit + 1],
      [unit - 1, 1],
      [0, unit],
      [unit, 2 * unit],
    ]);
    steps.push(`${verb} x ${sector} ${count}${from(verb)}`);
  }
  return [...steps, 'read x 0 64', 'disk a'];
}
