/** A run of sectors of one kind. What is unknown is plain data: neither flag set. */
export interface Extent {
  readonly sector: number;
  readonly count: number;
  /** Not allocated: a later write may find no room. */
  readonly hole: boolean;
  /** Reads as zeroes. */
  readonly zero: boolean;
}

/** Something that knows which parts of a range are allocated. */
export interface ExtentSource {
  /** The runs of the range, in order, without gaps or overlaps, all inside it. */
  extents(sector: number, count: number): Promise<Extent[]>;
}

/** The answer that is always true: allocated, contents unknown. */
export function dataExtent(sector: number, count: number): Extent {
  return { sector, count, hole: false, zero: false };
}

/** Neighbours of the same kind as one. */
export function mergeExtents(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  for (const extent of extents) {
    const last = merged.at(-1);
    if (
      last?.hole === extent.hole &&
      last.zero === extent.zero &&
      last.sector + last.count === extent.sector
    ) {
      merged[merged.length - 1] = { ...last, count: last.count + extent.count };
    } else {
      merged.push(extent);
    }
  }
  return merged;
}
