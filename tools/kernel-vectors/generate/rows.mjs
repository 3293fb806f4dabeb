// @ts-check
/** Random rows that the kernel takes: the words behind START and LENGTH, by target type. */

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */
/** @typedef {(random: Random, length: number) => string} MakeRow */

/** Sectors of a disk. */
const DISK = 1024;

/** A place on a disk with room for so many sectors. @param {Random} random @param {number} length */
function place(random, length) {
  return `${random.pick(['{a}', '{b}', '{c}'])} ${random.between(0, DISK - length)}`;
}

/** @param {Random} random @param {number} length */
function striped(random, length) {
  const chunk = random.pick([1, 2, 4, 8, 16].filter((size) => length % size === 0));
  const count = random.pick([1, 2, 3, 4].filter((stripes) => length % (stripes * chunk) === 0));
  const places = Array.from({ length: count }, () => place(random, length / count));
  return `striped ${count} ${chunk} ${places.join(' ')}`;
}

/** @param {Random} random @param {number} length */
function delay(random, length) {
  const parts = Array.from(
    { length: random.between(1, 3) },
    () => `${place(random, length)} ${random.below(3)}`,
  );
  return `delay ${parts.join(' ')}`;
}

/** Always up or always down, so that time has no say. @param {Random} random @param {number} length */
function flakey(random, length) {
  const isDown = random.chance(0.7);
  const features = isDown ? random.pick(FLAKEY_FEATURES)(random) : '';
  return `flakey ${place(random, length)} ${isDown ? '0 100000' : '100000 0'}${features === '' ? '' : ` ${features}`}`;
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

/** In sync by word, so that nothing goes on by itself. @param {Random} random @param {number} length */
function mirror(random, length) {
  const legs = Array.from({ length: random.between(2, 3) }, () => place(random, length));
  const region = random.pick([2, 8, 16, 64].filter((size) => size <= length));
  const features = random.pick(['', '', ' 1 handle_errors', ' 2 handle_errors keep_log']);
  return `mirror core 2 ${region} nosync ${legs.length} ${legs.join(' ')}${features}`;
}

/** @type {Readonly<Record<string, MakeRow>>} */
export const ROWS = {
  linear: (random, length) => `linear ${place(random, length)}`,
  striped,
  zero: () => 'zero',
  error: () => 'error',
  delay,
  flakey,
  mirror,
};

/**
 * A table of rows one behind the other.
 *
 * @param {Random} random
 * @param {readonly string[]} types one for each row
 * @returns {{ table: string, sectors: number }}
 */
export function makeTable(random, types) {
  let sectors = 0;
  const rows = types.map((type) => {
    const length = random.pick([16, 24, 48, 96, 120, 192]);
    const row = `${sectors} ${length} ${ROWS[type]?.(random, length)}`;
    sectors += length;
    return row;
  });
  return { table: rows.join(' / '), sectors };
}
