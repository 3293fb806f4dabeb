/**
 * The `striped` target: chunks spread over several devices in turn.
 *
 * @packageDocumentation
 */
export { striped } from './striped.ts';
