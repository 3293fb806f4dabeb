// @ts-check
/** Random rows that the kernel takes: the words behind START and LENGTH, by target type. */

import { crypt } from './ciphers.mjs';

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */
/** @typedef {{ table: string, sectors: number, unit: number }} Table `unit`: sectors that requests are multiples of */
/** @typedef {(random: Random, length: number, places: Places) => string} MakeRow */

/** Sectors of a disk. */
const DISK = 1024;
const TRIES = 50;

/** Places on disks that do not overlap: of requests under way at the same time nobody could tell which comes last. */
export class Places {
  #random;
  /** @type {{ disk: string, start: number, end: number }[]} */
  #taken = [];

  /** @param {Random} random */
  constructor(random) {
    this.#random = random;
  }

  /**
   * A disk and a sector, with room for so many. An error where none is found.
   *
   * @param {number} length @param {number} [unit] sectors that the first one is a multiple of
   */
  next(length, unit = 1) {
    for (let round = 0; round < TRIES; round++) {
      const disk = this.#random.pick(['{a}', '{b}', '{c}']);
      const start = this.#random.between(0, (DISK - length) / unit) * unit;
      const end = start + length;
      if (this.#taken.some((other) => other.disk === disk && start < other.end && other.start < end))
        continue;
      this.#taken.push({ disk, start, end });
      return `${disk} ${start}`;
    }
    throw new Error('no room on the disks for such a table');
  }
}

/** @param {Random} random @param {number} length @param {Places} places */
function striped(random, length, places) {
  const chunk = random.pick([1, 2, 4, 8, 16].filter((size) => length % size === 0));
  const count = random.pick([1, 2, 3, 4].filter((stripes) => length % (stripes * chunk) === 0));
  const stripes = Array.from({ length: count }, () => places.next(length / count));
  return `striped ${count} ${chunk} ${stripes.join(' ')}`;
}

/** @param {Random} random @param {number} length @param {Places} places */
function delay(random, length, places) {
  const parts = Array.from(
    { length: random.between(1, 3) },
    () => `${places.next(length)} ${random.below(3)}`,
  );
  return `delay ${parts.join(' ')}`;
}

/** Always up or always down, so that time has no say. @param {Random} random @param {number} length @param {Places} places */
function flakey(random, length, places) {
  const isDown = random.chance(0.7);
  const features = isDown ? random.pick(FLAKEY_FEATURES)(random) : '';
  return `flakey ${places.next(length)} ${isDown ? '0 100000' : '100000 0'}${features === '' ? '' : ` ${features}`}`;
}

/** @type {((random: Random) => string)[]} */
const FLAKEY_FEATURES = [
  () => '',
  () => '1 drop_writes',
  () => '1 error_writes',
  (random) => `5 corrupt_bio_byte ${random.between(1, 512)} r ${random.below(256)} 0`,
  (random) => `5 corrupt_bio_byte ${random.between(1, 512)} w ${random.below(256)} 0`,
  (random) => `6 drop_writes corrupt_bio_byte ${random.between(1, 64)} r ${random.below(256)} 0`,
];

/** In sync by word, so that nothing goes on by itself. @param {Random} random @param {number} length @param {Places} places */
function mirror(random, length, places) {
  const legs = Array.from({ length: random.between(2, 3) }, () => places.next(length));
  const region = random.pick([2, 8, 16, 64].filter((size) => size <= length));
  const features = random.pick(['', '', ' 1 handle_errors', ' 2 handle_errors keep_log']);
  return `mirror core 2 ${region} nosync ${legs.length} ${legs.join(' ')}${features}`;
}

/** @param {Random} random @param {number} length @param {Places} places */
function dust(random, length, places) {
  return `dust ${places.next(length)} ${random.pick([512, 512, 1024, 4096])}`;
}

/** @type {Readonly<Record<string, MakeRow>>} */
export const ROWS = {
  linear: (_, length, places) => `linear ${places.next(length)}`,
  striped,
  zero: () => 'zero',
  error: () => 'error',
  delay,
  flakey,
  mirror,
  dust,
  // Its sectors are those of the device, so that a row cannot choose; nothing else may lie on the disk of the log.
  'log-writes': () => 'log-writes {a} {b}',
  crypt,
};

/**
 * A table of rows one behind the other.
 *
 * @param {Random} random
 * @param {readonly string[]} types one for each row
 * @returns {Table}
 */
export function makeTable(random, types) {
  const places = new Places(random);
  let sectors = 0;
  const rows = types.map((type) => {
    const length = random.pick([16, 24, 48, 96, 120, 192]);
    const row = `${sectors} ${length} ${ROWS[type]?.(random, length, places)}`;
    sectors += length;
    return row;
  });
  const sizes = [...rows.join(' ').matchAll(/sector_size:(\d+)/g)].map(([, bytes]) => Number(bytes) / 512);
  return { table: rows.join(' / '), sectors, unit: Math.max(1, ...sizes) };
}
