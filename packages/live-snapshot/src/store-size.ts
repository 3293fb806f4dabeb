import { SECTOR_SIZE } from '@interposer/core';

/** Bytes that an exception takes in the metadata. */
const ENTRY_BYTES = 16;

/** In chunks: the header, the first area of metadata, and one that holds data. */
export const LEAST_CHUNKS = 3;

/** Files of whole pages are kept in whole pages. */
const PAGE_SECTORS = 8;

/**
 * Sectors of a store that cannot overflow: the header, every chunk of the device, and the areas of metadata for them, of which
 * the one behind the last that is full must be there too.
 */
export function storeSectors(sectors: number, chunk: number): number {
  const chunks = Math.ceil(sectors / chunk);
  const areas = Math.floor(chunks / ((chunk * SECTOR_SIZE) / ENTRY_BYTES)) + 1;
  const needed = Math.max(LEAST_CHUNKS, 1 + areas + chunks) * chunk;
  return Math.ceil(needed / PAGE_SECTORS) * PAGE_SECTORS;
}
