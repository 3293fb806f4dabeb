/**
 * Logs of writes in the format of the kernel's log-writes target: what they consist of, a reader and a replay.
 *
 * @packageDocumentation
 */
export { ENTRY_SIZE, LogFlag, makeHeader, writeCount, writeEntry } from './format.ts';
export { type LogEntry, readLog, readLogHeader, type LogHeader } from './read-log.ts';
export { replay, type ReplayOptions } from './replay.ts';
