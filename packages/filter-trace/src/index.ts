/**
 * The `trace` filter, which writes the bios of a device to a file, and a reader for such files.
 *
 * @packageDocumentation
 */
export type { TraceHeader } from './format.ts';
export { type BioRecord, type DroppedRecord, readTrace, type Trace, type TraceRecord } from './read-trace.ts';
export { trace } from './trace.ts';
