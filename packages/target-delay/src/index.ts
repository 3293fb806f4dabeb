/**
 * The `delay` target and the `delay` filter: requests go on later.
 *
 * @packageDocumentation
 */
export { delay } from './delay.ts';
export { delayFilter } from './delay-filter.ts';
