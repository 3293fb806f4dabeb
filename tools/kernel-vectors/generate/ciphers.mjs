// @ts-check
/** Random rows of crypt, whose keys are of the length that their cipher wants. */

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */
/** @typedef {import('./rows.mjs').Places} Places */

const AES = [16, 24, 32];
const XTS = [32, 64];

/** What the kernel and OpenSSL both have, with bytes of the key. `large`: also for sectors of more than 512 bytes. */
const CIPHERS = [
  { name: 'aes-xts-plain64', keys: XTS, large: true },
  { name: 'aes-xts-plain64', keys: XTS, large: true },
  { name: 'aes-xts-plain', keys: XTS, large: true },
  { name: 'aes-xts-plain64be', keys: XTS, large: true },
  { name: 'aes-xts-null', keys: XTS, large: true },
  { name: 'aes-xts-essiv:sha256', keys: [64], large: true },
  { name: 'aes-cbc-plain', keys: AES, large: true },
  { name: 'aes-cbc-plain64', keys: AES, large: true },
  { name: 'aes-cbc-plain64be', keys: AES, large: true },
  { name: 'aes-cbc-essiv:sha256', keys: AES, large: true },
  { name: 'aes-cbc-essiv:md5', keys: AES, large: true },
  { name: 'aes-cbc-benbi', keys: AES, large: false },
  { name: 'aes-cbc-null', keys: AES, large: true },
  { name: 'aes-cbc-eboiv', keys: AES, large: true },
  { name: 'aes-cbc-elephant', keys: [32, 48, 64], large: true },
  { name: 'aes-cbc-tcw', keys: [48, 56, 64], large: false },
  { name: 'aes:64-cbc-lmk', keys: [1024, 1040], large: false },
  { name: 'aes:2-cbc-lmk', keys: [32], large: false },
  { name: 'aes:2-xts-plain64', keys: [64], large: true },
  { name: 'aes:4-cbc-plain64', keys: [64], large: true },
  { name: 'aes-ctr-plain64', keys: AES, large: true },
  { name: 'aes-ctr-plain64be', keys: AES, large: true },
  { name: 'aes-lrw-benbi', keys: [32, 40, 48], large: false },
  { name: 'aes-lrw-plain64', keys: [48], large: true },
  { name: 'aes-ecb', keys: AES, large: true },
  { name: 'aes', keys: [16], large: true },
  { name: 'camellia-xts-plain64', keys: XTS, large: true },
  { name: 'camellia-cbc-essiv:sha256', keys: [32], large: true },
  { name: 'camellia-cbc-plain64', keys: AES, large: true },
  { name: 'capi:xts(aes)-plain64', keys: XTS, large: true },
  { name: 'capi:cbc(aes)-plain64be', keys: AES, large: true },
  { name: 'capi:essiv(cbc(aes),sha256)-plain64', keys: AES, large: true },
  { name: 'capi:cbc(aes)-eboiv', keys: AES, large: true },
];

const FLAGS = [
  'allow_discards',
  'allow_discards',
  'same_cpu_crypt',
  'high_priority',
  'submit_from_crypt_cpus',
  'no_read_workqueue',
  'no_write_workqueue',
];

/** @param {Random} random @param {number} bytes */
export function hex(random, bytes) {
  return Array.from({ length: bytes }, () => random.below(256).toString(16).padStart(2, '0')).join('');
}

/** @param {Random} random @param {number} length @param {Places} places */
export function crypt(random, length, places) {
  const { name, keys, large } = random.pick(CIPHERS);
  const size = large ? random.pick([512, 512, 1024, 2048, 4096]) : 512;
  const unit = size / 512;
  const options = [...new Set(Array.from({ length: random.below(3) }, () => random.pick(FLAGS)))];
  if (size > 512) options.push(`sector_size:${size}`);
  if (size > 512 && random.chance(0.5)) options.push('iv_large_sectors');
  // Beyond 32 bits, too, where `plain` has only the lower ones.
  const ivOffset = random.pick([0, 0, 1, 8, 1000, 2 ** 32 - 16, 2 ** 32]);
  const words = options.length === 0 ? '' : ` ${options.length} ${options.join(' ')}`;
  const aligned = Math.ceil(ivOffset / unit) * unit;
  return `crypt ${name} ${hex(random, random.pick(keys))} ${aligned} ${places.next(length, unit)}${words}`;
}

/**
 * Another key of the same length for the first row of a table.
 *
 * @param {Random} random
 * @param {string} table
 */
export function otherKey(random, table) {
  return hex(random, (table.split(' ')[4] ?? '').length / 2);
}
