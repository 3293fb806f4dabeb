/**
 * What a snapshot is good for. `active`: it can be read and written. `invalid`: its store was full or failed, what it held is
 * lost. `overflow`: its store is full, it can be read. `merging`: its device becomes what it is. `merge-failed`: that stopped.
 */
export type SnapshotState = 'active' | 'invalid' | 'overflow' | 'merging' | 'merge-failed';

/** A snapshot of a device. */
export interface SnapshotInfo {
  readonly name: string;
  /** The device that it is a snapshot of. */
  readonly device: string;
  /** The mapped device that stands in for that device, and copies out what it is about to lose. */
  readonly origin: string;
  /** The device where the store is: a path for a file. Empty where the snapshot has none any more. */
  readonly store: string;
  /** Whether the store goes with the snapshot. */
  readonly auto: boolean;
  /** Whether it is still there after a restart. */
  readonly persistent: boolean;
  /** Sectors that are copied together. */
  readonly chunk: number;
  /** Size of the device. */
  readonly sectors: number;
  readonly state: SnapshotState;
  /** Sectors of the store that are in use; 0 where it does not say. */
  readonly used: number;
  /** Size of the store in sectors; 0 where it does not say. */
  readonly size: number;
  /** How many have the snapshot open. */
  readonly openCount: number;
  /** Of a merge, in sectors; why it does not go on, where it does not. */
  readonly merge?: { readonly done: number; readonly total: number; readonly failure?: string };
}
