// @ts-check
/** Middle values and ratios. */

/** @param {readonly number[]} values at least one @returns {number} */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = /** @type {number} */ (sorted[middle]);
  return sorted.length % 2 === 1 ? upper : (upper + /** @type {number} */ (sorted[middle - 1])) / 2;
}

/**
 * The ratio is that of the medians. The range is over the rounds: both numbers of a round were
 * taken within seconds of each other, so what slowed the whole machine then cancels out.
 *
 * @param {readonly number[]} ours one number per round
 * @param {readonly number[]} peer one number per round
 * @returns {{ ratio: number, min: number, max: number }}
 */
export function compareRounds(ours, peer) {
  const rounds = ours.map((value, round) => value / /** @type {number} */ (peer[round]));
  return { ratio: median(ours) / median(peer), min: Math.min(...rounds), max: Math.max(...rounds) };
}

/** @typedef {'ok' | 'ok, close' | 'MISSED' | 'missed, close' | 'info'} Verdict */

/**
 * @param {{ ratio: number, min: number, max: number }} comparison
 * @param {number | null} target
 * @returns {Verdict} "close" where single rounds fell on both sides of the target
 */
export function judge({ ratio, min, max }, target) {
  if (target === null) return 'info';
  const close = min < target && max >= target;
  if (ratio >= target) return close ? 'ok, close' : 'ok';
  return close ? 'missed, close' : 'MISSED';
}

/** @param {Verdict} verdict */
export const isMissed = (verdict) => verdict === 'MISSED' || verdict === 'missed, close';
