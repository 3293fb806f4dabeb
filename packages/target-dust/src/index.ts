/**
 * The `dust` target and the `dust` filter: bad blocks that a write makes good.
 *
 * @packageDocumentation
 */
export { dust, dustFilter } from './dust.ts';
