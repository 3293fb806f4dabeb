/** Buckets for each doubling: the middle of one is within 1 % of all in it. */
const STEPS = 64;

/** Doublings up to 2^53. */
const DOUBLINGS = 48;

/** Times by their size, in as much memory for many as for few. Below 128 each has a bucket of its own. */
export class LatencyHistogram {
  /** The largest, exactly. */
  max = 0;
  #count = 0;
  readonly #buckets = new Float64Array(STEPS * (DOUBLINGS + 1));

  /** A whole number of nanoseconds. */
  add(time: number): void {
    this.#count++;
    this.max = Math.max(this.max, time);
    this.#buckets[bucketOf(time)]!++;
  }

  /** The time that so many of a hundred do not exceed, within 1 %; 0 where there are none. */
  percentile(percent: number): number {
    const rank = Math.ceil((percent / 100) * this.#count);
    if (rank === this.#count) return this.max;
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.min(middleOf(bucket), this.max);
    }
    return this.max;
  }
}

function bucketOf(time: number): number {
  if (time < 2 * STEPS) return time;
  const doubling = Math.floor(Math.log2(time / STEPS));
  return doubling * STEPS + Math.floor(time / 2 ** doubling);
}

function middleOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  const doubling = Math.floor(bucket / STEPS) - 1;
  return (bucket - doubling * STEPS + 0.5) * 2 ** doubling;
}
