/**
 * The `dirty` filter: tracks which blocks of a device were changed, for incremental backups.
 *
 * @packageDocumentation
 */
export { dirty } from './dirty.ts';
