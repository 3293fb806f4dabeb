/** How many seeds there are: whole numbers from 0 on. */
export const SEEDS: number = 2 ** 32;

/** A small generator of pseudo-random numbers: the same seed gives the same run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A number of at least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number of at least 0 and less than the bound. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number from the first to the last, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** One of some values. */
  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new TypeError('there is nothing to pick from');
    return value;
  }

  /** True so often, 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}
