import type { WriteRequest } from './write-request.ts';

/** What a table line says of where a mirror's regions begin: as the log has them, all to be copied, or all in sync. */
export type SyncWord = 'sync' | 'nosync' | null;

/**
 * Remembers which regions may differ between the legs. A region is marked before its first write goes to a leg, and clean
 * again some time after its last one has ended.
 */
export interface DirtyLog {
  /** Writes to it failed: what it says on disk may be too good. */
  readonly failed: boolean;
  /** Marks a region. True: it is marked for good, and may be written. False: the request has to `wait`. */
  mark(region: number): boolean;
  /** Calls back with the request when the marks made so far are on disk, or when that has failed. */
  wait(request: WriteRequest): void;
  /** No write is under way in a region any more, or it was copied: it may become clean. */
  idle(region: number): void;
  /** Nothing becomes clean from here on: a flush failed, so nobody knows what reached the legs. */
  stayDirty(): void;
  /** Before bios come: finds out which regions are in sync. Never fails; a log that cannot be read is one that failed. */
  load(): Promise<void>;
  /** Drained: makes clean what is, and ends when nothing is under way. */
  settle(): Promise<void>;
  /** Its words of the table line, with their number. */
  table(): string;
  /** Its words of the status line, with their number. */
  status(): string;
  /** Out of use: no timer stays. Ends when nothing is under way. */
  stop(): void | Promise<void>;
}
