/**
 * Conformance suites for devices, targets, filters and frontends, and the tools they are made of.
 *
 * @packageDocumentation
 */
export type { Case, Need } from './cases.ts';
export { coreSuite } from './core-suite.ts';
export { deviceSuite } from './device-suite.ts';
export { filterSuite } from './filter-suite.ts';
export { frontendSuite } from './frontend-suite.ts';
export type {
  Content,
  DevicePlug,
  DeviceUnderTest,
  FilterPlug,
  FrontendClient,
  FrontendPlug,
  Place,
  TargetPlug,
} from './plugs.ts';
export { type CaseResult, collect } from './collect.ts';
export type { TestFunction, TestRunner } from './runner.ts';
export { targetSuite } from './target-suite.ts';
export { ChaosDisk, type ChaosOptions } from './tools/chaos-disk.ts';
export { chaosDriver, DiskDriver, memoryDriver } from './tools/disk-driver.ts';
export { readVectors, vectorGroups } from './read-vectors.ts';
export {
  type Burst,
  burstHeapUse,
  burstOf,
  heapUse,
  type HeapOptions,
  type HeapUse,
  sendBio,
} from './tools/heap-use.ts';
export { type DiskOptions, MemoryDisk } from './tools/memory-disk.ts';
export { nullDriver } from './tools/null-driver.ts';
export { passFilter } from './tools/pass-filter.ts';
export { Random } from '@interposer/core';
export { spanTarget } from './tools/span-target.ts';
export { checkSector, checkZeroes, stampSector } from './tools/stamp.ts';
export { VirtualClock } from './tools/virtual-clock.ts';
export {
  DISK_LETTERS,
  parseStep,
  tableText,
  type Step,
  type VectorCase,
  type VectorFile,
  type VectorStep,
} from './vectors/case.ts';
export { packBytes, stampedSectors, unpackBytes, WRITABLE } from './vectors/content.ts';
export { type Difference, playVector, type PlayOptions } from './vectors/player.ts';
