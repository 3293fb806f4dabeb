import type { DeviceRef } from '@interposer/core';

/** A snapshot that is about to be, for whoever makes or finds its store. */
export interface SnapshotPlan {
  /** Of the snapshot. */
  readonly name: string;
  /** What it is a snapshot of. */
  readonly device: DeviceRef;
  /** Size of that device. */
  readonly sectors: number;
  /** Sectors that are copied together. */
  readonly chunk: number;
}

/** Makes or finds the store of a snapshot, and resolves to what the engine opens it by. */
export type StoreMaker = (plan: SnapshotPlan) => Promise<string>;

/** What to make a snapshot of, and how. */
export interface SnapshotRequest {
  /** Any device: by name, number, path, or whatever a driver takes. */
  readonly device: string;
  /** The device where the snapshot keeps what the other one loses, all zeroes; or what makes one. */
  readonly store: string | StoreMaker;
  /** Of the snapshot; by default made from the name of the device. */
  readonly name?: string;
  /** Sectors that are copied together, a power of 2; 8 by default. */
  readonly chunk?: number;
  /** Whether it can be opened again after a restart, and merged; it can by default. */
  readonly persistent?: boolean;
  /** Where in the device's stack of filters it is slid under; 200000 by default. */
  readonly altitude?: string;
  /** Remembered with the snapshot: whoever made the store deletes it when the snapshot is gone. */
  readonly auto?: boolean;
}

/** A snapshot to bring up again from its store. */
export interface OpenSnapshotRequest extends Pick<
  SnapshotRequest,
  'device' | 'store' | 'name' | 'altitude' | 'auto'
> {
  /** Merges it at once, or goes on with a merge that was interrupted. */
  readonly merge?: boolean;
}
