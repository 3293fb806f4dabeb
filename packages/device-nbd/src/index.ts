/**
 * A block device on a remote NBD export, for Interposer.
 *
 * @packageDocumentation
 */
export { nbd } from './nbd.ts';
