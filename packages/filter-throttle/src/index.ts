/**
 * The `throttle` filter: limits requests and bytes per second.
 *
 * @packageDocumentation
 */
export { throttle } from './throttle.ts';
