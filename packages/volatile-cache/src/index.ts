/**
 * The volatile write cache of a disk, and what a power cut leaves of it: for filters.
 *
 * @packageDocumentation
 */
export type { CutOptions, CutReport } from './survivors.ts';
export { DEFAULT_CAPACITY, VolatileCache, type VolatileCacheOptions } from './volatile-cache.ts';
