import { systemClock } from './clock.ts';

/**
 * One call in so many is timed: a look at the clock costs more than most layers do, and leaves a small object behind. A power
 * of two.
 */
const EVERY = 2048;

/** Whether the call of that number is one to time. */
export function isSampled(call: number): boolean {
  return (call & (EVERY - 1)) === 0;
}

/** Milliseconds since some fixed moment, for the difference of two. Real time, whatever the clock of the engine. */
export function stopwatch(): number {
  return systemClock.now();
}

/** Times of calls that were sampled. */
export class CostSample {
  #count = 0;
  #milliseconds = 0;

  /** Nanoseconds of a call on average; undefined while there is no sample. */
  get mean(): number | undefined {
    return this.#count === 0 ? undefined : (this.#milliseconds * 1e6) / this.#count;
  }

  add(milliseconds: number): void {
    this.#count++;
    this.#milliseconds += milliseconds;
  }
}
