/**
 * The `linear` target: a run of sectors is a run of sectors of another device.
 *
 * @packageDocumentation
 */
export { linear } from './linear.ts';
