/**
 * The `volatile` filter: the volatile write cache of a disk, for power cuts on demand.
 *
 * @packageDocumentation
 */
export { volatile } from './volatile.ts';
