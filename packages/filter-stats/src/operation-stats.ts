import type { Clock } from '@interposer/core';
import type { LatencyHistogram } from './latency-histogram.ts';
import { LatencyMeter } from './latency-meter.ts';
import { SizeHistogram } from './size-histogram.ts';

// Places in the array of numbers.
const SECTORS = 0;
const ERRORS = 1;
const SEQUENTIAL = 2;
const IN_FLIGHT = 3;
const MOST_IN_FLIGHT = 4;
const NEXT_SECTOR = 5;
const NUMBERS = 6;

/**
 * What is known of one operation. A bio counts when it ends, so that all numbers are of the same bios; only those in flight
 * count from their start.
 */
export class OperationStats {
  readonly latency: LatencyHistogram;
  readonly sizes: SizeHistogram = new SizeHistogram();
  /** A typed array, for a field would box each new number. */
  readonly #numbers: Float64Array = new Float64Array(NUMBERS);
  readonly #meter: LatencyMeter;

  constructor(clock: Clock) {
    this.#meter = new LatencyMeter(clock);
    this.latency = this.#meter.histogram;
    // No bio starts there, so the first is not sequential.
    this.#numbers[NEXT_SECTOR] = -1;
  }

  /** A bio sets out. The returned number is to be given to `end`: the meter's, and in the lowest bit whether it is sequential. */
  begin(sector: number, count: number): number {
    const numbers = this.#numbers;
    const inFlight = ++numbers[IN_FLIGHT]!;
    if (inFlight > numbers[MOST_IN_FLIGHT]!) numbers[MOST_IN_FLIGHT] = inFlight;
    const sequential = count > 0 && sector === numbers[NEXT_SECTOR]! ? 1 : 0;
    numbers[NEXT_SECTOR] = sector + count;
    return this.#meter.begin() * 2 + sequential;
  }

  /** A bio is back. */
  end(count: number, isFailed: boolean, begun: number): void {
    this.#meter.end(begun >> 1);
    const numbers = this.#numbers;
    numbers[IN_FLIGHT]!--;
    numbers[SECTORS]! += count;
    numbers[SEQUENTIAL]! += begun & 1;
    if (isFailed) numbers[ERRORS]!++;
    if (count > 0) this.sizes.add(count);
  }

  /** Bios that ended, also those that failed. */
  get bios(): number {
    return this.latency.count;
  }

  /** Their sectors. */
  get sectors(): number {
    return this.#numbers[SECTORS]!;
  }

  /** Those of them that failed. */
  get errors(): number {
    return this.#numbers[ERRORS]!;
  }

  /** Those of them that started where the one before ended. */
  get sequential(): number {
    return this.#numbers[SEQUENTIAL]!;
  }

  /** Bios that have not ended. */
  get inFlight(): number {
    return this.#numbers[IN_FLIGHT]!;
  }

  get mostInFlight(): number {
    return this.#numbers[MOST_IN_FLIGHT]!;
  }

  /** Bios under way stay so, and count when they end; where the next bio is sequential stays known, too. */
  clear(): void {
    const numbers = this.#numbers;
    numbers.fill(0, SECTORS, IN_FLIGHT);
    numbers[MOST_IN_FLIGHT] = this.inFlight;
    this.latency.clear();
    this.sizes.clear();
  }
}
