/** Buckets in each power of two: a bucket is at most 1/16 of its least value wide. */
const STEPS = 16;
/** `STEPS` as a power of two. */
const STEP_BITS = 4;
/** Nanoseconds from here on are counted in units of `COARSE`, so that all arithmetic is that of 32-bit integers. */
const FINE_LIMIT = 2 ** 31;
const COARSE_BITS = 16;
const COARSE = 2 ** COARSE_BITS;
/** The last bucket ends at 2^47 nanoseconds, 39 hours; it takes what is longer, too. */
const BUCKETS: number = bucketOf(Infinity) + 1;

/** How often a latency fell between two bounds, both included, in nanoseconds. */
export interface LatencyBucket {
  readonly least: number;
  readonly most: number;
  readonly bios: number;
}

/**
 * Latencies in nanoseconds, as HDR histograms keep them: exact below 32 ns, then 16 buckets of one width for each power of
 * two. Whatever is read from it is too high by less than 1/16.
 */
export class LatencyHistogram {
  readonly #counts: Float64Array = new Float64Array(BUCKETS);
  /** Number of latencies, their sum and the longest. A typed array, for a field would box each new number. */
  readonly #totals: Float64Array = new Float64Array(3);

  add(nanoseconds: number): void {
    const totals = this.#totals;
    totals[0]!++;
    totals[1]! += nanoseconds;
    if (nanoseconds > totals[2]!) totals[2] = nanoseconds;
    this.#counts[bucketOf(nanoseconds)]!++;
  }

  get count(): number {
    return this.#totals[0]!;
  }

  /** Of all latencies, in nanoseconds; exact. */
  get sum(): number {
    return this.#totals[1]!;
  }

  /** 0 where there is none. */
  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The longest in nanoseconds, exact; 0 where there is none. */
  get longest(): number {
    return this.#totals[2]!;
  }

  /** So many of a thousand were not longer than the returned nanoseconds; 0 where there is none. */
  percentile(perMille: number): number {
    const rank = Math.max(1, Math.ceil((this.count * perMille) / 1000));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(this.#mostOf(bucket), this.longest);
    }
    return this.longest;
  }

  /** Those that are not empty, in order. */
  buckets(): LatencyBucket[] {
    return [...this.#counts]
      .map((bios, bucket) => ({
        least: leastOf(bucket),
        most: this.#mostOf(bucket),
        bios,
      }))
      .filter(({ bios }) => bios > 0);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#totals.fill(0);
  }

  /** The greatest latency of a bucket in nanoseconds; the last bucket has no other end than the longest there was. */
  #mostOf(bucket: number): number {
    return bucket === BUCKETS - 1 ? this.longest : leastOf(bucket + 1) - 1;
  }
}

function bucketOf(nanoseconds: number): number {
  if (nanoseconds < FINE_LIMIT) return bucketOfInteger(nanoseconds | 0);
  const coarse = Math.min(nanoseconds / COARSE, FINE_LIMIT - 1) | 0;
  return bucketOfInteger(coarse) + COARSE_BITS * STEPS;
}

/** The power of two says which 16 buckets, the 4 bits behind its leading one say which of them. */
function bucketOfInteger(value: number): number {
  if (value < STEPS) return value;
  const shift = 31 - STEP_BITS - Math.clz32(value);
  return shift * STEPS + (value >>> shift);
}

/** The least latency of a bucket in nanoseconds. */
function leastOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  return (STEPS + (bucket % STEPS)) * 2 ** (Math.floor(bucket / STEPS) - 1);
}
