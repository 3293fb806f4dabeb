/** Writes that a batch takes at the most. */
export const BATCH = 128;

/**
 * Writes that are made by one system call on one thread, where each by itself would take a way through the pool. Filled, run,
 * looked at, and filled again.
 */
export interface WriteBatch {
  /** Adds a write, of less than 2^31 bytes. Its index is how many were added before it. */
  add(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void;
  /** Makes the writes. Afterwards it is empty, but for their results. */
  run(done: () => void): void;
  /** Bytes that a write has written, none if it was not made; or an errno, as a negative number. */
  result(index: number): number;
}
