const MILLISECONDS = 1000;

/** In milliseconds: what is due so soon is due. Covers the rounding of times that were added up. */
const SOON = 1e-6;

/** One time in milliseconds. In a typed array, so that no number is boxed when it is handed on or changes. */
export type Moment = Float64Array;

/**
 * One limit, as a bucket of tokens that fills at its rate. It is kept as one moment, the one at which the bucket will be
 * full: what is missing of it, and its debt, are how far that lies ahead. (The generic cell rate algorithm of ITU-T I.371 in
 * its form of virtual scheduling.)
 */
export class Bucket {
  /** Units a second; 0: no limit. */
  #rate = 0;
  /** The contents of the full bucket, as the milliseconds that it takes to fill. */
  #burst = 0;
  readonly #fullAt: Moment = new Float64Array([-Infinity]);

  /** Since when, or from when on, it is out of debt. */
  get dueAt(): number {
    return this.#fullAt[0]! - this.#burst;
  }

  /** Whether somebody may take from it. */
  isDue(now: Moment): boolean {
    return this.dueAt <= now[0]! + SOON;
  }

  /** Takes so many units: a request that takes more than there is leaves a debt. Only where there is a limit. */
  take(units: number, now: Moment): void {
    this.#fullAt[0] = Math.max(this.#fullAt[0]!, now[0]!) + (units * MILLISECONDS) / this.#rate;
  }

  /**
   * Another limit, in units a second, and size, in milliseconds. The tokens and the debt that are there stay, as far as they
   * find room. A limit where there was none begins with a full bucket.
   */
  change(rate: number, burst: number, now: number): void {
    const level = this.#burst - Math.max(0, this.#fullAt[0]! - now);
    const kept = this.#rate === 0 ? burst : (level * this.#rate) / rate;
    this.#fullAt[0] = rate === 0 ? -Infinity : now + burst - kept;
    this.#rate = rate;
    this.#burst = burst;
  }
}
