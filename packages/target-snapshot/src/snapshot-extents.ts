import { dataExtent, type Extent, mergeExtents } from '@interposer/core';
import type { Exceptions } from './exceptions.ts';

/** What is allocated in the name of a snapshot: what is in the store, and for the rest what the origin says of itself. */
export async function snapshotExtents(
  exceptions: Exceptions,
  sector: number,
  count: number,
): Promise<Extent[]> {
  // While the origin answers, a merge takes chunks out of the store, and a snapshot gets new ones: those of both times count.
  const before = extentsInStore(exceptions, sector, count);
  const below = await exceptions.ports.origin.extents(sector, count);
  return mergeExtents(cover(cover(below, before), extentsInStore(exceptions, sector, count)));
}

/** The parts of a range that are in the store. */
function extentsInStore(exceptions: Exceptions, sector: number, count: number): Extent[] {
  const { chunkSectors } = exceptions;
  const parts = exceptions.chunksIn(sector, count).map((chunk) => {
    const start = Math.max(sector, chunk * chunkSectors);
    return dataExtent(start, Math.min(sector + count, (chunk + 1) * chunkSectors) - start);
  });
  return mergeExtents(parts);
}

/** Extents with others, which lie among them, in place of what they cover. Both are in order. */
function cover(extents: readonly Extent[], covers: readonly Extent[]): Extent[] {
  if (covers.length === 0) return [...extents];
  const found: Extent[] = [];
  let index = 0;
  for (const extent of extents) {
    const end = extent.sector + extent.count;
    for (let at = extent.sector; at < end;) {
      while (index < covers.length && endOf(covers[index]!) <= at) index++;
      const next = covers[index];
      const isCovered = next !== undefined && next.sector <= at;
      const to = Math.min(end, isCovered ? endOf(next) : (next?.sector ?? end));
      found.push({ ...(isCovered ? next : extent), sector: at, count: to - at });
      at = to;
    }
  }
  return found;
}

function endOf({ sector, count }: Extent): number {
  return sector + count;
}
