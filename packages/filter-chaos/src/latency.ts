import type { Random } from '@interposer/core';

/** The number of standard deviations below which 99 of 100 draws of a normal distribution lie. */
const Z99 = 2.3263478740408408;

/** Times are rounded to microseconds, so that the last bit of a logarithm makes no difference between machines. */
const PER_MILLISECOND = 1000;

/** The longest time that is drawn, in milliseconds: a day. */
const LONGEST = 86_400_000;

/** Times that are distributed log-normally, as those of real disks roughly are: given by the median and the 99th percentile. */
export class LogNormal {
  readonly #mu: number;
  readonly #sigma: number;

  /** In milliseconds, above 0; `p99` is at least `p50`. */
  constructor(p50: number, p99: number) {
    this.#mu = Math.log(p50);
    this.#sigma = (Math.log(p99) - this.#mu) / Z99;
  }

  /** Two random numbers make one time (Box and Muller). */
  draw(random: Random): number {
    // Of 1 to 0 without 0, for there is no logarithm of that.
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    const normal = radius * Math.cos(2 * Math.PI * random.next());
    const time = Math.exp(this.#mu + this.#sigma * normal);
    return Math.min(LONGEST, Math.round(time * PER_MILLISECOND) / PER_MILLISECOND);
  }
}
