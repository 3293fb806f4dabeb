/**
 * The `integrity` target, which keeps integrity data beside the sectors of a device as the kernel's dm-integrity does.
 *
 * @packageDocumentation
 */
export { integrity } from './type.ts';
