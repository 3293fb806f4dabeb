/**
 * Interposer with everything in it: an engine that knows every type of the family, and all packages' exports.
 *
 * @packageDocumentation
 */
export * from '@interposer/cli';
export * from '@interposer/core';
export { reportText, searchCrashStates, writeImage } from '@interposer/crash-test';
export { file } from '@interposer/device-file';
export { nbd } from '@interposer/device-nbd';
export { ram } from '@interposer/device-ram';
export { access } from '@interposer/filter-access';
export { chaos, defineChaos } from '@interposer/filter-chaos';
export { stats } from '@interposer/filter-stats';
export { dirty } from '@interposer/filter-dirty';
export { throttle } from '@interposer/filter-throttle';
export { readTrace, trace } from '@interposer/filter-trace';
export { volatile } from '@interposer/filter-volatile';
export * from '@interposer/frontend-nbd';
export * from '@interposer/live-snapshot';
export { crypt, cryptFilter } from '@interposer/target-crypt';
export { delay, delayFilter } from '@interposer/target-delay';
export { dust, dustFilter } from '@interposer/target-dust';
export { error, errorFilter } from '@interposer/target-error';
export { flakey, flakeyFilter } from '@interposer/target-flakey';
export { linear } from '@interposer/target-linear';
export { logWrites, logWritesFilter } from '@interposer/target-log-writes';
export { mirror } from '@interposer/target-mirror';
export { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
export { striped } from '@interposer/target-striped';
export { verity, verityFilter } from '@interposer/target-verity';
export { zero } from '@interposer/target-zero';
export { readLog, replay } from '@interposer/write-log';
export { allTypes, bundledPlugins, createInterposer, type InterposerOptions } from './bundle.ts';
