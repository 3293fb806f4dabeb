/** A safe integer has so many bits. */
const BUCKETS = 53;
const HALF_BITS = 31;
const HALF = 2 ** HALF_BITS;

/** How many bios were of a size between two bounds, both included, in sectors. */
export interface SizeBucket {
  readonly least: number;
  readonly most: number;
  readonly bios: number;
}

/** Lengths of bios in sectors, by powers of two. */
export class SizeHistogram {
  readonly #counts: Float64Array = new Float64Array(BUCKETS);

  /** A length of at least 1. */
  add(sectors: number): void {
    this.#counts[floorLog2(sectors)]!++;
  }

  /** Those that are not empty, in order. */
  buckets(): SizeBucket[] {
    return [...this.#counts]
      .map((bios, power) => ({ least: 2 ** power, most: 2 ** (power + 1) - 1, bios }))
      .filter(({ bios }) => bios > 0);
  }

  clear(): void {
    this.#counts.fill(0);
  }
}

/** Of lengths beyond 32 bits, too: a discard may be as long as the device. */
function floorLog2(value: number): number {
  if (value < HALF) return 31 - Math.clz32(value);
  return HALF_BITS + 31 - Math.clz32(value / HALF);
}
