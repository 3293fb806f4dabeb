import type { Port } from '@interposer/core';
import type { PendingException } from './pending-exception.ts';

/** The devices of a snapshot, as the table that has it now opened them. */
export interface SnapshotPorts {
  origin: Port;
  /** Where the store is. */
  cow: Port;
}

/** Space of a store, in sectors. */
export interface StoreUsage {
  /** Used, metadata included. */
  readonly allocated: number;
  readonly total: number;
  readonly metadata: number;
}

/** Chunks that lie one after another on the origin and in the store. */
export interface MergeRun {
  /** The first of each. */
  readonly oldChunk: number;
  readonly newChunk: number;
  readonly count: number;
}

/** Who is told when exceptions are on disk. */
export interface CommitListener {
  /** It will be there after a crash, if `ok`; if not the store is of no use any more. */
  committed(exception: PendingException, ok: boolean): void;
}

/** Where a snapshot keeps what was copied out. */
export interface ExceptionStore {
  /** `P` or `N`. */
  readonly letter: string;
  /** Size of a chunk in sectors. */
  readonly chunkSectors: number;
  listener: CommitListener | null;
  /**
   * A free chunk for a new exception, which is committed later; `NO_CHUNK` where there is no room. With `keepsReadable` also
   * where that exception would be one too many for its metadata, which would cost all others.
   */
  allot(keepsReadable: boolean): number;
  /** Takes exceptions whose chunks are copied, in the order of `allot`; the listener is told of each. */
  commit(exception: PendingException): void;
  /** Marks the store invalid. Undefined where there is nothing to wait for. */
  drop(): Promise<void> | undefined;
  usage(): StoreUsage;
  /** The exceptions that are to be merged next: the last ones. Absent: the store cannot be merged. */
  prepareMerge?(): Promise<MergeRun | null>;
  /** Forgets so many of the last exceptions, for good. */
  commitMerge?(count: number): Promise<void>;
}

/** The target that has the exceptions now. */
export interface ExceptionsOwner {
  log(message: string): void;
  /** The snapshot is of no use any more. */
  event(): void;
}
