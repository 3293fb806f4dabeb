import type { ContextExtent } from '@interposer/core';
import type { DirtyBitmap } from './dirty-bitmap.ts';

/** The flag of a dirty run; a clean one has none. QEMU, docs/interop/nbd.rst: NBD_STATE_DIRTY. */
const DIRTY = 1;

/** The runs of dirty and of clean sectors of a range, in order. */
export function dirtyExtents(bitmap: DirtyBitmap, sector: number, count: number): ContextExtent[] {
  const extents: ContextExtent[] = [];
  const end = sector + count;
  for (let at = sector; at < end;) {
    const stop = Math.min(bitmap.endOfRun(at), end);
    extents.push({ sector: at, count: stop - at, flags: bitmap.isDirty(at) ? DIRTY : 0 });
    at = stop;
  }
  return extents;
}
