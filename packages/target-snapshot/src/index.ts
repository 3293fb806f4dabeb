/**
 * The targets `snapshot`, `snapshot-origin` and `snapshot-merge`: a device as it was, while the device goes on.
 *
 * @packageDocumentation
 */
export { snapshot } from './snapshot.ts';
export { snapshotMerge } from './snapshot-merge.ts';
export { snapshotOrigin } from './snapshot-origin.ts';
