import type { Clock } from '@interposer/core';
import { LatencyHistogram } from './latency-histogram.ts';
import { StartTimes } from './start-times.ts';

const NANOSECONDS = 1e6;

/**
 * Measures how long bios take. Times stay inside: handed from function to function a fraction would be boxed, which takes
 * memory for each bio.
 */
export class LatencyMeter {
  readonly histogram: LatencyHistogram = new LatencyHistogram();
  readonly #clock: Clock;
  readonly #starts: StartTimes = new StartTimes();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A bio sets out; by the returned number its time is found again. */
  begin(): number {
    return this.#starts.put(this.#clock.now());
  }

  /** A bio is back; the number is what `begin` gave for it, and is given again. */
  end(start: number): void {
    const milliseconds = this.#clock.now() - this.#starts.take(start);
    this.histogram.add(Math.round(milliseconds * NANOSECONDS));
  }
}
