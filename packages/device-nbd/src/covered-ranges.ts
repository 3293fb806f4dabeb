/** A set of sectors, which tells of each range what of it was not there before. */
export class CoveredRanges {
  /** Start, end, start, end ... in order, never touching. */
  readonly #bounds: number[] = [];

  /** Adds a range; the answer is the parts of it that are new, in order. */
  take(start: number, end: number): [start: number, end: number][] {
    const bounds = this.#bounds;
    const first = this.#firstEndingFrom(start);
    const fresh: [number, number][] = [];
    let [low, high] = [start, end];
    let [from, last] = [start, first];
    for (; last < bounds.length && bounds[last]! <= end; last += 2) {
      if (bounds[last]! > from) fresh.push([from, bounds[last]!]);
      low = Math.min(low, bounds[last]!);
      high = Math.max(high, bounds[last + 1]!);
      from = bounds[last + 1]!;
    }
    if (from < end) fresh.push([from, end]);
    bounds.splice(first, last - first, low, high);
    return fresh;
  }

  /** Where the first range lies that ends at or behind a sector. */
  #firstEndingFrom(sector: number): number {
    let [low, high] = [0, this.#bounds.length / 2];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#bounds[2 * middle + 1]! < sector) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
