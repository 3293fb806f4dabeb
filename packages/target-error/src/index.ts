/**
 * The `error` target and the `error` filter: every request fails.
 *
 * @packageDocumentation
 */
export { error } from './error.ts';
export { errorFilter } from './error-filter.ts';
