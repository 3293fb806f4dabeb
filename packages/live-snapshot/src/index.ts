/**
 * Snapshots of devices in use: made at one moment, listed, merged back and removed while whoever uses the device goes on.
 *
 * @packageDocumentation
 */
export { createSnapshots } from './create.ts';
export { listSnapshots } from './list.ts';
export { finishMerge, mergeSnapshot, type FinishOptions } from './merge.ts';
export { openSnapshot } from './open.ts';
export { removeSnapshot } from './remove.ts';
export type { SnapshotInfo, SnapshotState } from './snapshot-info.ts';
export type { OpenSnapshotRequest, SnapshotPlan, SnapshotRequest, StoreMaker } from './snapshot-request.ts';
export { storeSectors } from './store-size.ts';
