/**
 * Bad disks for tests: a disk whose faults, stalls and power cuts a test commands.
 *
 * @packageDocumentation
 */
export type { ChaosAction, ChaosRequest, ChaosRule } from '@interposer/filter-chaos';
export type { BlockIo, WriteOptions } from './block-io.ts';
export type { CrashDisk } from './crash-disk.ts';
export type { CrashCheck, CrashTestOptions } from './crash-options.ts';
export type { CrashTestResult } from './crash-result.ts';
export { crashTest } from './crash-test.ts';
export { createDisk } from './create-disk.ts';
export type { Disk } from './disk.ts';
export type { FailMatch, Latency } from './fault-rules.ts';
export type { Fault, Stall } from './fault.ts';
export type { Match, OperationName } from './match.ts';
export type { CacheOptions, DiskOptions } from './options.ts';
export type { Losses, PowerCutOptions, PowerCutReport } from './power.ts';
export type { DiskRequest } from './requests.ts';
export type { DiskSnapshot } from './snapshot.ts';
