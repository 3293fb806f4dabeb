/**
 * The `log-writes` target and filter, which log what is written to a device.
 *
 * @packageDocumentation
 */
export { logWrites, logWritesFilter } from './log-writes.ts';
