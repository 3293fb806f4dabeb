import type { CacheRecord } from './record.ts';

/** Levels of the skip list: with a quarter of the runs on each next one enough for millions. */
const LEVELS = 10;

/** A run of sectors, and what was done to it last. */
export class Segment {
  start = 0;
  /** The first sector behind it. */
  end = 0;
  /** Place of the deed in the order of arrival. */
  seq = 0;
  /** Whose data it is; null where there is none to know of. */
  record: CacheRecord | null = null;
  /** The index's: the next run on each level that this one is on. */
  readonly links: (Segment | null)[];

  constructor(levels: number) {
    this.links = new Array<Segment | null>(levels).fill(null);
  }

  /** The run behind it. */
  get next(): Segment | null {
    return this.after(0);
  }

  /** The index's: the next run on a level. */
  after(level: number): Segment | null {
    return this.links[level] ?? null;
  }
}

/**
 * Runs of sectors that do not overlap, in order: a skip list. What is put in hides what was there. Runs that were taken out
 * are used again.
 */
export class SegmentIndex {
  readonly #head: Segment = new Segment(LEVELS);
  /** On each level the last run before the place that was looked for. */
  readonly #path: Segment[] = new Array<Segment>(LEVELS).fill(this.#head);
  /** By their number of levels. */
  readonly #unused: Segment[][] = Array.from({ length: LEVELS + 1 }, () => []);
  #count = 0;
  /** State of the generator that deals out levels (xorshift32). What comes of it shows nowhere. */
  #dice = 1;

  /** How many runs there are. */
  get count(): number {
    return this.#count;
  }

  get first(): Segment | null {
    return this.#head.next;
  }

  /** The first run that ends behind a sector. */
  firstBehind(sector: number): Segment | null {
    let segment = this.#head;
    for (let level = LEVELS - 1; level >= 0; level--) {
      for (let next = segment.after(level); next !== null && next.end <= sector; next = segment.after(level))
        segment = next;
      this.#path[level] = segment;
    }
    return segment.next;
  }

  /** Whether any sector of a range is in a run. */
  overlaps(start: number, end: number): boolean {
    const segment = this.firstBehind(start);
    return segment !== null && segment.start < end;
  }

  /** Puts a run in, over whatever is there. */
  insert(start: number, end: number, seq: number, record: CacheRecord | null): void {
    this.#carve(start, end);
    this.#link(start, end, seq, record);
  }

  /** Takes out what is older than a place in the order of arrival, inside a range. */
  removeOlder(start: number, end: number, seq: number): void {
    for (let at = start; at < end;) {
      const segment = this.firstBehind(at);
      if (segment === null) return;
      const from = Math.max(at, segment.start);
      at = Math.min(end, segment.end);
      if (from < at && segment.seq < seq) this.#carve(from, at);
    }
  }

  /** Takes out all runs up to a place in the order of arrival. */
  removeUpTo(seq: number): void {
    const last = this.#path.fill(this.#head);
    for (let segment = this.first; segment !== null;) {
      const { next, links } = segment;
      if (segment.seq > seq) {
        for (let level = 0; level < links.length; level++) {
          last[level]!.links[level] = segment;
          last[level] = segment;
        }
      } else {
        this.#recycle(segment);
      }
      segment = next;
    }
    for (let level = 0; level < LEVELS; level++) last[level]!.links[level] = null;
  }

  clear(): void {
    this.removeUpTo(Infinity);
  }

  /** Empties a range; the path then leads to the place where a run of that range goes. */
  #carve(start: number, end: number): void {
    let segment = this.firstBehind(start);
    if (segment !== null && segment.start < start) {
      const { end: oldEnd, seq, record } = segment;
      segment.end = start;
      segment = this.firstBehind(start);
      if (oldEnd > end) {
        this.#link(end, oldEnd, seq, record);
        return;
      }
    }
    while (segment !== null && segment.end <= end) {
      this.#unlink(segment);
      segment = this.#path[0]!.next;
    }
    if (segment !== null && segment.start < end) segment.start = end;
  }

  /** Puts a run in at the end of the path. */
  #link(start: number, end: number, seq: number, record: CacheRecord | null): void {
    const levels = this.#throwDice();
    const segment = this.#unused[levels]!.pop() ?? new Segment(levels);
    for (let level = 0; level < levels; level++) {
      const before = this.#path[level]!;
      segment.links[level] = before.after(level);
      before.links[level] = segment;
    }
    this.#count++;
    segment.start = start;
    segment.end = end;
    segment.seq = seq;
    segment.record = record;
  }

  /** Takes the run right behind the path out. */
  #unlink(segment: Segment): void {
    for (let level = 0; level < segment.links.length; level++)
      this.#path[level]!.links[level] = segment.after(level);
    this.#recycle(segment);
  }

  #recycle(segment: Segment): void {
    this.#count--;
    segment.record = null;
    this.#unused[segment.links.length]!.push(segment);
  }

  #throwDice(): number {
    let dice = this.#dice;
    dice ^= dice << 13;
    dice ^= dice >>> 17;
    dice ^= dice << 5;
    this.#dice = dice;
    let levels = 1;
    while (levels < LEVELS && (dice & 3) === 0) {
      levels++;
      dice >>>= 2;
    }
    return levels;
  }
}
