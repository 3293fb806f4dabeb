/**
 * The `log-writes` target and filter, which log what is written to a device, and a reader of such logs.
 *
 * @packageDocumentation
 */
export { LogFlag } from './format.ts';
export { logWrites, logWritesFilter } from './log-writes.ts';
export { type LogEntry, readLog, readLogHeader, type LogHeader } from './read-log.ts';
export { replay, type ReplayOptions } from './replay.ts';
