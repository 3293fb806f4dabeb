// @ts-check
/** Random cases of verity: images with a tree, damage to them, parity, and tables that are refused. */

import { packBytes, stampedSectors } from '../../../packages/conformance/dist/index.js';
import {
  buildTree,
  encodeFec,
  hashAlgorithm,
  layOutFec,
  layOutTree,
} from '../../../packages/format-verity/dist/index.js';
import { hex } from './ciphers.mjs';
import { spoil } from './mistakes.mjs';
import { looks, requests } from './operations.mjs';

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */
/** @typedef {import('../../../packages/format-verity/dist/index.js').VerityParams} VerityParams */
/** @typedef {import('./index.mjs').MakeSteps} MakeSteps */

/** Sectors of a disk. */
const DISK = 1024;

/** A disk as it is before the device is made. */
class Store {
  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} sector @param {number} count */
  read(sector, count) {
    return Promise.resolve(Buffer.from(this.bytes.subarray(sector * 512, (sector + count) * 512)));
  }

  /** @param {number} sector @param {Uint8Array} data */
  write(sector, data) {
    this.bytes.set(data, sector * 512);
    return Promise.resolve();
  }
}

/**
 * @typedef {object} Image
 * @property {string[]} steps that put it on the disks
 * @property {string} words of its table line
 * @property {VerityParams} params
 * @property {number} hashSector first sector of the tree on disk b
 * @property {number} hashBlocks
 * @property {number} sectors of its data, on disk a
 * @property {number} unit sectors of a block of data
 */

/** @param {Random} random @param {{ fec?: boolean }} [wanted] @returns {Promise<Image & { fec: string }>} */
async function makeImage(random, { fec = false } = {}) {
  const dataBlockSize = random.pick([512, 512, 1024, 4096]);
  const hashBlockSize = fec ? dataBlockSize : random.pick([dataBlockSize, 512, 1024, 4096]);
  const unit = dataBlockSize / 512;
  /** @type {VerityParams} */
  const params = {
    algorithm: hashAlgorithm(random.pick(['sha256', 'sha256', 'sha1', 'sha512'])),
    hashType: random.chance(0.8) ? 1 : 0,
    salt: Buffer.from(hex(random, random.pick([0, 1, 8, 32])), 'hex'),
    dataBlockSize,
    hashBlockSize,
    dataBlocks: random.pick([1, 2, 7, 16, 24, 40, 64]),
  };
  const hashStart = random.below(4);
  const data = new Store(stampedSectors('a', 0, DISK));
  const steps = [];
  if (random.chance(0.4)) {
    data.bytes.fill(0, 0, dataBlockSize);
    steps.push(`zero a 0 ${unit}`);
  }
  const hash = new Store(Buffer.alloc(DISK * 512));
  const root = await buildTree({ params, data, hash, hashStart });
  const hashBlocks = layOutTree(params, hashStart).end - hashStart;
  const hashSector = (hashStart * hashBlockSize) / 512;
  const tree = hash.bytes.subarray(hashSector * 512, hashSector * 512 + hashBlocks * hashBlockSize);
  if (tree.length > 0) steps.push(`put b ${hashSector} ${packBytes(tree)}`);
  const salt = params.salt.length === 0 ? '-' : Buffer.from(params.salt).toString('hex');
  const sizes = `${dataBlockSize} ${hashBlockSize} ${params.dataBlocks} ${hashStart}`;
  const words = `verity ${params.hashType} {a} {b} ${sizes} ${params.algorithm.name} ${root} ${salt}`;
  const image = { steps, words, params, hashSector, hashBlocks, sectors: params.dataBlocks * unit, unit };
  return { ...image, fec: fec ? await addParity(random, image, { data, hash, hashStart }) : '' };
}

/**
 * Parity on disk c.
 *
 * @param {Random} random @param {Image} image
 * @param {{ data: Store, hash: Store, hashStart: number }} places
 */
async function addParity(random, { params, steps, hashBlocks }, { data, hash, hashStart }) {
  const roots = random.pick([2, 2, 3, 8]);
  const blocks = params.dataBlocks + hashBlocks;
  const layout = layOutFec(params, roots, blocks);
  const start = random.below(3);
  const fecOffset = start * params.dataBlockSize;
  const fec = new Store(Buffer.alloc(DISK * 512));
  await encodeFec({ params, data, hash, hashStart, layout, fec, fecOffset });
  const parity = fec.bytes.subarray(fecOffset, fecOffset + layout.parityBlocks * params.dataBlockSize);
  steps.push(`put c ${fecOffset / 512} ${packBytes(parity)}`);
  return `use_fec_from_device {c} fec_blocks ${blocks} fec_start ${start} fec_roots ${roots}`;
}

/** @param {readonly string[]} options */
function counted(options) {
  const words = options.join(' ');
  return words === '' ? '' : ` ${words.split(' ').length} ${words}`;
}

/** A part of a block of data becomes something else. @param {Random} random @param {Image} image */
function damage(random, { sectors }) {
  return `write a ${random.below(sectors)} 1 ${random.below(500)}`;
}

/** What was hashed, in whole and after damage. @param {Random} random */
export async function verified(random) {
  const image = await makeImage(random);
  const { steps, words, sectors, unit } = image;
  const options = ['ignore_corruption', 'ignore_zero_blocks', 'check_at_most_once', 'try_verify_in_tasklet'];
  const chosen = options.filter(() => random.chance(0.3));
  const reads = () => requests(random, 'x', sectors, 4, ['read'], unit);
  return [
    ...steps,
    `create-readonly x 0 ${sectors} ${words}${counted(chosen)}`,
    ...looks('x'),
    ...reads(),
    'status x',
    damage(random, image),
    ...(random.chance(0.5) ? [damage(random, image)] : []),
    ...reads(),
    `read x 0 ${Math.min(sectors, 128)}`,
    'status x',
    `write x 0 ${unit} 0`,
    random.pick([`discard x 0 ${unit}`, `zero x 0 ${unit}`, 'flush x', 'message x 0 hello']),
    'remove x',
  ];
}

/** A tree that is damaged before anybody reads. @param {Random} random */
export async function brokenTree(random) {
  const image = await makeImage(random);
  const { steps, words, sectors, unit, hashSector, hashBlocks, params } = image;
  const hashSectors = Math.max(1, (hashBlocks * params.hashBlockSize) / 512);
  return [
    ...steps,
    `write b ${hashSector + random.below(hashSectors)} 1 ${random.below(500)}`,
    `create-readonly x 0 ${sectors} ${words}${counted(random.chance(0.3) ? ['ignore_corruption'] : [])}`,
    'status x',
    ...requests(random, 'x', sectors, 5, ['read'], unit),
    'status x',
    'table x',
  ];
}

/** Parity puts right what it can. @param {Random} random */
export async function mended(random) {
  const image = await makeImage(random, { fec: true });
  const { steps, words, sectors, unit, fec } = image;
  const options = random.chance(0.3) ? ['ignore_zero_blocks', fec] : [fec];
  return [
    ...steps,
    `create-readonly x 0 ${sectors} ${words}${counted(options)}`,
    ...looks('x'),
    damage(random, image),
    ...(random.chance(0.3) ? [damage(random, image), damage(random, image)] : []),
    ...requests(random, 'x', sectors, 3, ['read'], unit),
    `read x 0 ${Math.min(sectors, 128)}`,
    'status x',
    'remove x',
    'disk a',
  ];
}

const OPTIONS = [
  '1 nothing',
  '2 ignore_corruption',
  '1 restart_on_corruption',
  '2 ignore_corruption restart_on_corruption',
  '2 panic_on_corruption restart_on_error',
  '2 restart_on_error panic_on_error',
  '0',
  '1 IGNORE_CORRUPTION',
  '3 check_at_most_once ignore_zero_blocks ignore_zero_blocks',
  '1 use_fec_from_device',
  '2 use_fec_from_device {c}',
  '2 fec_roots 2',
  '2 fec_roots 1',
  '2 fec_roots 25',
  '2 fec_blocks x',
  '6 use_fec_from_device {c} fec_roots 2 fec_blocks 1',
  '8 use_fec_from_device {c} fec_roots 2 fec_blocks 5000 fec_start 0',
  '8 use_fec_from_device {q} fec_roots 2 fec_blocks 200 fec_start 0',
  '8 use_fec_from_device {c} fec_roots 2 fec_blocks 200 fec_start 100000',
  '-1 ignore_corruption',
];

/** Tables that are refused. @param {Random} random */
export async function refused(random) {
  const { words, sectors } = await makeImage(random);
  const all = words.split(' ');
  /** @param {number} index @param {string} word */
  const changed = (index, word) => all.map((old, at) => (at === index ? word : old)).join(' ');
  const root = all[9] ?? '';
  const tables = [
    `0 ${sectors} ${words} ${random.pick(OPTIONS)}`,
    `0 ${sectors} ${words} ${random.pick(OPTIONS)}`,
    `0 ${sectors} ${changed(1, random.pick(['2', '-1', 'x', '10']))}`,
    `0 ${sectors} ${changed(random.pick([4, 5]), random.pick(['0', '256', '513', '8192', '100', 'x', '-512']))}`,
    `0 ${sectors} ${changed(6, random.pick(['0', 'x', '-1', '100000', '1']))}`,
    `0 ${sectors} ${changed(7, random.pick(['100000', 'x', '-1']))}`,
    `0 ${sectors} ${changed(8, random.pick(['nothing', 'SHA256', 'md5', '-']))}`,
    `0 ${sectors} ${changed(9, random.pick([root.slice(1), root.slice(2), `${root}00`, `x${root.slice(1)}`, '-']))}`,
    `0 ${sectors} ${changed(10, random.pick(['abc', 'xy', '00'.repeat(8), '+']))}`,
    `0 ${sectors + 8} ${words}`,
    `0 ${sectors} ${words} / ${sectors} 8 zero`,
    spoil(random, `0 ${sectors} ${words}`),
  ];
  const chosen = tables.filter(() => random.chance(0.5));
  return [
    `create x 0 ${sectors} ${words}`,
    ...chosen.flatMap((table) => [`create-readonly x ${table}`, 'table x', 'remove x']),
  ];
}
