import { dataExtent, type Extent, mergeExtents } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import type { Exceptions } from './exceptions.ts';

/** What is allocated in the name of a snapshot: what is in the store, and for the rest what the origin says of itself. */
export async function snapshotExtents(
  exceptions: Exceptions,
  sector: number,
  count: number,
): Promise<Extent[]> {
  const { chunkSectors, ports } = exceptions;
  const below = await ports.origin.extents(sector, count);
  if (exceptions.isEmpty) return below;
  const found: Extent[] = [];
  for (const extent of below) {
    const end = extent.sector + extent.count;
    for (let at = extent.sector; at < end;) {
      const chunk = exceptions.chunkOf(at);
      const next = Math.min(end, (chunk + 1) * chunkSectors);
      const isOrigin = exceptions.find(chunk) === NO_CHUNK;
      found.push(isOrigin ? { ...extent, sector: at, count: next - at } : dataExtent(at, next - at));
      at = next;
    }
  }
  return mergeExtents(found);
}
