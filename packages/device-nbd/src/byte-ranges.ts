/** The most runs that are told apart: a server that scatters an answer more than this is not believed. */
const MOST_RUNS = 4096;

/** Which bytes of a read have come, where they come out of order: few runs, because neighbours become one. */
export class ByteRanges {
  /** Start, end, start, end ... in order. */
  readonly #bounds: number[] = [];

  /** Adds a run. False if it overlaps one that is there, or there are too many. */
  add(start: number, end: number): boolean {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && bounds[at + 1]! <= start) at += 2;
    // Here the run before, if any, ends at or before the start.
    if (at < bounds.length && bounds[at]! < end) return false;
    const joinsBefore = at > 0 && bounds[at - 1] === start;
    const joinsAfter = bounds[at] === end;
    if (joinsBefore && joinsAfter) bounds.splice(at - 1, 2);
    else if (joinsBefore) bounds[at - 1] = end;
    else if (joinsAfter) bounds[at] = start;
    else bounds.splice(at, 0, start, end);
    return bounds.length <= 2 * MOST_RUNS;
  }
}
