import { BioFlag, BioOp, type Extent, type ExtentSource, mergeExtents } from '@interposer/core';
import type { CacheRecord } from './record.ts';
import type { SegmentIndex } from './segment-index.ts';

/** Allocation with what is cached: its data is data, its discards and zeroes are holes; the rest is as below. */
export async function cachedExtents(
  newest: SegmentIndex,
  below: ExtentSource,
  sector: number,
  count: number,
): Promise<Extent[]> {
  const extents: Extent[] = [];
  let at = sector;
  for (const cached of cachedIn(newest, sector, sector + count)) {
    if (cached.sector > at) extents.push(...(await below.extents(at, cached.sector - at)));
    extents.push(cached);
    at = cached.sector + cached.count;
  }
  if (at < sector + count) extents.push(...(await below.extents(at, sector + count - at)));
  return mergeExtents(extents);
}

/** Taken down at once: asking the device below takes time, in which the cache changes. */
function cachedIn(newest: SegmentIndex, start: number, end: number): Extent[] {
  const extents: Extent[] = [];
  for (let segment = newest.firstBehind(start); segment !== null; segment = segment.next) {
    if (segment.start >= end) break;
    const sector = Math.max(start, segment.start);
    extents.push({ sector, count: Math.min(end, segment.end) - sector, ...kindOf(segment.record!) });
  }
  return extents;
}

function kindOf({ op, flags }: CacheRecord): Pick<Extent, 'hole' | 'zero'> {
  const zero = op !== BioOp.Write;
  return { hole: zero && (flags & BioFlag.NoUnmap) === 0, zero };
}
