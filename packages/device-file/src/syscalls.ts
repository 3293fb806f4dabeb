import { close, fdatasync, read, write } from 'node:fs';
import type { Ffi } from './ffi.ts';

/** How `fs.read` and `fs.write` call back. */
export type Transferred = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** `fs.read` or `fs.write`: offset, length and position in bytes. */
export type TransferCall = (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: Transferred,
) => void;

/**
 * The system calls of the data path, as one table: each runs in the thread pool of Node. Tests put another table in its
 * place.
 */
export interface SystemCalls {
  readonly read: TransferCall;
  readonly write: TransferCall;
  readonly fdatasync: (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => void;
  readonly close: (fd: number, done: (error?: NodeJS.ErrnoException | null) => void) => void;
  /** What Node has no function for; undefined where there is no koffi. */
  readonly ffi: Ffi | undefined;
}

/** The calls of the operating system. */
export function systemCalls(ffi: Ffi | undefined): SystemCalls {
  return { read, write, fdatasync, close, ffi };
}
