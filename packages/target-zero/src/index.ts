/**
 * The `zero` target: reads zeroes, forgets what is written.
 *
 * @packageDocumentation
 */
export { zero } from './zero.ts';
