/**
 * The `flakey` target and the `flakey` filter: requests that fail, vanish or are corrupted from time to time.
 *
 * @packageDocumentation
 */
export { flakey, flakeyFilter } from './flakey.ts';
