// @ts-check
/** Tables with one thing wrong. */

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */

const NUMBERS = ['-1', '0', '1', '3', 'x', '8x', '0x10', '+8', '1.5', '4294967295', '1e3', ''];

/**
 * A table that is wrong in most cases: a word that is missing, doubled or changed, a row that does not follow the one before.
 *
 * @param {Random} random
 * @param {string} table rows separated by ` / `
 */
export function spoil(random, table) {
  const rows = table.split(' / ');
  const index = random.below(rows.length);
  const words = (rows[index] ?? '').split(' ');
  rows[index] = random.pick(MISTAKES)(random, words).join(' ').trim();
  return rows.join(' / ');
}

/** @type {((random: Random, words: readonly string[]) => readonly string[])[]} */
const MISTAKES = [
  dropLast,
  dropLast,
  drop,
  (random, words) => [...words, random.pick(['0', 'x', '{c}', '{c} 0', '1 foo'])],
  changeNumber,
  changeNumber,
  changeNumber,
  (random, [start = '', length = '', ...rest]) => [
    String(Number(start) + random.between(1, 9)),
    length,
    ...rest,
  ],
  (random, [start = '', , ...rest]) => [start, random.pick(['0', '1', '7', '2000', '1048576']), ...rest],
  (random, [start = '', length = '', , ...rest]) => [
    start,
    length,
    random.pick(['linea', 'nothing', 'LINEAR']),
    ...rest,
  ],
  (random, words) =>
    words.map((word) => (word.startsWith('{') && random.chance(0.7) ? random.pick(['{q}', 'a b']) : word)),
  (random, words) => words.map((word, at) => (at > 2 && random.chance(0.3) ? (words[at - 1] ?? '') : word)),
];

/** @param {Random} _ @param {readonly string[]} words */
function dropLast(_, words) {
  return words.slice(0, -1);
}

/** @param {Random} random @param {readonly string[]} words */
function drop(random, words) {
  const gone = random.between(3, Math.max(3, words.length - 1));
  return words.filter((_, at) => at !== gone);
}

/** @param {Random} random @param {readonly string[]} words */
function changeNumber(random, words) {
  const numbers = words.flatMap((word, at) => (at > 2 && /^\d+$/.test(word) ? [at] : []));
  if (numbers.length === 0) return dropLast(random, words);
  const changed = random.pick(numbers);
  return words.map((word, at) => (at === changed ? random.pick(NUMBERS) : word));
}
