import { dataExtent, type Extent, fail, mergeExtents, type Port } from '@interposer/core';
import type { Rule } from './rule.ts';
import type { WrittenSectors } from './written.ts';

/** 64 TiB: what is beyond would take too long to note, and too much room. */
const MOST_ALLOCATED = 2 ** 37;

/** Extents in which some parts show nothing of what they are. The parts are in order and do not overlap. */
export function hideParts(
  extents: readonly Extent[],
  parts: Iterable<readonly [sector: number, end: number]>,
): Extent[] {
  let shown = [...extents];
  for (const [from, to] of parts) {
    shown = shown.flatMap((extent) => {
      const end = extent.sector + extent.count;
      if (end <= from || extent.sector >= to) return [extent];
      const start = Math.max(from, extent.sector);
      const stop = Math.min(to, end);
      const cut = [
        { ...extent, count: start - extent.sector },
        dataExtent(start, stop - start),
        { ...extent, sector: stop, count: end - stop },
      ];
      return cut.filter(({ count }) => count > 0);
    });
  }
  return mergeExtents(shown);
}

/** Notes what is allocated under the `worm` rules among some. EINVAL if that is more than can be noted. */
export async function noteAllocated(
  port: Port,
  rules: readonly Rule[],
  written: WrittenSectors,
): Promise<void> {
  const { sectors } = port.limits;
  for (const { mode, first, end } of rules) {
    if (mode !== 'worm') continue;
    const extents = await port.extents(first, Math.min(end, sectors) - first);
    const allocated = extents.filter(({ hole }) => !hole);
    const total = allocated.reduce((sum, { count }) => sum + count, 0);
    if (total > MOST_ALLOCATED) {
      throw fail(
        'EINVAL',
        `filter access: written=allocated: ${String(total)} sectors are more than can be noted`,
      );
    }
    for (const extent of allocated) written.add(extent.sector, extent.sector + extent.count);
  }
}
