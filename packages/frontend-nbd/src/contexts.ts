import { type ContextExtent, mergeExtents, SECTOR_SIZE } from '@interposer/core';
import { ALLOCATION_CONTEXT, AllocationFlag } from '@interposer/nbd-protocol';
import type { Export } from './export.ts';

/** A context that a client has chosen: BLOCK_STATUS tells of it by its number. */
export interface SelectedContext {
  readonly id: number;
  readonly name: string;
}

/** The contexts of an export that a client of these queries is told of: all of them if there are none. */
export function listContexts(exported: Export, queries: readonly string[]): string[] {
  const offered = namesOf(exported);
  if (queries.length === 0) return offered;
  return offered.filter((name) => queries.some((query) => name === query || isWildcardFor(query, name)));
}

/** Those that a client has chosen by their full names, numbered. Queries for what is not offered are passed over. */
export function selectContexts(exported: Export, queries: readonly string[]): SelectedContext[] {
  const offered = namesOf(exported);
  // The number is the place among all that are offered, which are listed from the protocol's own on.
  return offered.flatMap((name, index) => (queries.includes(name) ? [{ id: index + 1, name }] : []));
}

/** What a context says of a range of sectors. Null if no filter publishes it any more. */
export async function runsOf(
  exported: Export,
  name: string,
  sector: number,
  count: number,
): Promise<readonly ContextExtent[] | null> {
  const { port } = exported;
  if (name !== ALLOCATION_CONTEXT) {
    const context = port.contexts().find((one) => one.name === name);
    return context === undefined ? null : context.extents(sector, count);
  }
  const extents = mergeExtents(await port.extents(sector, count));
  return extents.map((extent) => ({
    sector: extent.sector,
    count: extent.count,
    flags: (extent.hole ? AllocationFlag.Hole : 0) | (extent.zero ? AllocationFlag.Zero : 0),
  }));
}

/** The sectors that a range of bytes touches. */
export function sectorsOf(offset: number, length: number): { sector: number; count: number } {
  const sector = Math.floor(offset / SECTOR_SIZE);
  return { sector, count: Math.ceil((offset + length) / SECTOR_SIZE) - sector };
}

function namesOf({ port }: Export): string[] {
  return [...new Set([ALLOCATION_CONTEXT, ...port.contexts().map(({ name }) => name)])];
}

/** `base:` stands for all of a namespace, `qemu:dirty-bitmap:` for all below it. */
function isWildcardFor(query: string, name: string): boolean {
  return query.endsWith(':') && name.startsWith(query);
}
