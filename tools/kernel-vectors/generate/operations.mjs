// @ts-check
/** Random steps on a mapped device, and what is looked at. */

/** @typedef {import('../../../packages/core/dist/index.js').Random} Random */

/** Sectors of content that steps write from. */
const WRITABLE = 1024;
const MOST = 64;

/**
 * What every device tells of itself.
 *
 * @param {string} name
 */
export function looks(name) {
  return [`table ${name}`, `status ${name}`, `info ${name}`, `deps ${name}`];
}

/** What the disks hold in the end. */
export const DISKS = ['disk a', 'disk b', 'disk c'];

/** Whether a flush reaches each disk. @param {string} name */
export function flushesOf(name) {
  return [...FLUSHED, `flush ${name}`, ...FLUSHED];
}

const FLUSHED = ['flushed a', 'flushed b', 'flushed c'];

/**
 * Requests to a device.
 *
 * @param {Random} random
 * @param {string} name
 * @param {number} sectors its size
 * @param {number} count how many
 * @param {readonly string[]} [verbs]
 * @param {number} [unit] sectors that requests are multiples of
 */
export function requests(
  random,
  name,
  sectors,
  count,
  verbs = ['read', 'write', 'flush', 'zero', 'discard'],
  unit = 1,
) {
  return Array.from({ length: count }, () => {
    const verb = random.pick(verbs);
    if (verb === 'flush') return `flush ${name}`;
    const [sector, length] = range(random, sectors, unit);
    const from = verb === 'write' ? ` ${random.below(WRITABLE - length)}` : '';
    return `${verb} ${name} ${sector} ${length}${from}`;
  });
}

/**
 * A range inside a device: often short, at its beginning or at its end.
 *
 * @param {Random} random
 * @param {number} sectors
 * @param {number} unit
 * @returns {[sector: number, count: number]}
 */
export function range(random, sectors, unit = 1) {
  const units = sectors / unit;
  const most = random.chance(0.4) ? 8 : MOST / unit;
  const count = Math.min(units, random.between(1, most));
  const last = units - count;
  const first = random.chance(0.2) ? 0 : random.chance(0.25) ? last : random.between(0, last);
  return [first * unit, count * unit];
}
