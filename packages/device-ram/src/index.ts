/**
 * A block device that lives in memory, for Interposer.
 *
 * @packageDocumentation
 */
export { ram } from './ram.ts';
