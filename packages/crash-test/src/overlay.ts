import type { LogWrite } from './log-write.ts';

/** A run of sectors and the write that they are of. */
export interface Segment {
  readonly sector: number;
  readonly count: number;
  readonly write: LogWrite;
}

/** A part of a range: a segment cut to it, or what no segment covers. */
export interface Part {
  readonly sector: number;
  readonly count: number;
  readonly write: LogWrite | null;
}

/** What lies over a disk: segments in order of place, of which no two overlap. Never changes. */
export class Overlay {
  static readonly EMPTY: Overlay = new Overlay([]);
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** This one with another on top of it. */
  under(top: Overlay): Overlay {
    const merged: Segment[] = [];
    let from = 0;
    for (const segment of top.#segments) {
      this.#copy(merged, from, segment.sector);
      merged.push(segment);
      from = segment.sector + segment.count;
    }
    this.#copy(merged, from, Infinity);
    return new Overlay(merged);
  }

  /** The parts of a range, in order and without gaps. */
  parts(sector: number, count: number): Part[] {
    const end = sector + count;
    const found: Part[] = [];
    let at = sector;
    for (let index = this.#firstBehind(sector); index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      if (segment.sector >= end) break;
      if (segment.sector > at) found.push({ sector: at, count: segment.sector - at, write: null });
      const from = Math.max(at, segment.sector);
      at = Math.min(end, segment.sector + segment.count);
      found.push({ sector: from, count: at - from, write: segment.write });
    }
    if (at < end) found.push({ sector: at, count: end - at, write: null });
    return found;
  }

  /** Appends what lies between two sectors. */
  #copy(into: Segment[], from: number, to: number): void {
    if (from >= to) return;
    for (let index = this.#firstBehind(from); index < this.#segments.length; index++) {
      const { sector, count, write } = this.#segments[index]!;
      if (sector >= to) return;
      const start = Math.max(sector, from);
      into.push({ sector: start, count: Math.min(sector + count, to) - start, write });
    }
  }

  /** Index of the first segment that ends behind a sector. */
  #firstBehind(sector: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#segments[middle]!;
      if (segment.sector + segment.count > sector) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
