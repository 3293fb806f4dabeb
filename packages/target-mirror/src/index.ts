/**
 * The `mirror` target: the same data on several devices.
 *
 * @packageDocumentation
 */
export { mirror } from './type.ts';
