/**
 * The core of Interposer: bios, devices, tables, filters and the engine that holds them.
 *
 * @packageDocumentation
 */
export { Alarm } from './alarm.ts';
export { type Altitude, compareAltitudes, parseAltitude } from './altitude.ts';
export { parseArgs, parseSettings, type OpenDevice } from './args.ts';
export { asFilter, type AsFilterOptions } from './as-filter.ts';
export { asyncFilter, type AsyncFilterSpec, type Next } from './async-filter.ts';
export { Bio, type Frame, type Holder, integrityBytes, type Stage } from './bio.ts';
export { BioPool, bioPool } from './bio-pool.ts';
export { BlockDevice, type DeviceObserver, type Fault } from './block-device.ts';
export { BufferPool, type PooledBuffer } from './buffer-pool.ts';
export { type Clock, systemClock, type Timer } from './clock.ts';
export {
  ALL_OPS,
  API_VERSION,
  BioFlag,
  BioOp,
  EndResult,
  hasOp,
  INTEGRITY_UNIT,
  MapResult,
  MAX_DEPTH,
  OP_COUNT,
  OP_NAMES,
  type OpSet,
  opSet,
  PreResult,
  SECTOR_SIZE,
  Status,
} from './constants.ts';
export type { ContextExtent, MetadataContext } from './contexts.ts';
export type * from './control.ts';
export { defineDriver, type Driver, type DriverType, type OpenRequest } from './driver.ts';
export { createEngine, Engine } from './engine.ts';
export type { EngineOptions, OpenOptions } from './engine-state.ts';
export {
  asError,
  codeOfErrno,
  ERROR_CODES,
  type ErrorCode,
  fail,
  fromSystemError,
  InterposerError,
  isInterposerError,
} from './errors.ts';
export { dataExtent, type Extent, type ExtentSource, mergeExtents } from './extents.ts';
export { FilterStack, FilterStep, type Link } from './filter-stack.ts';
export { defineFilter, type Filter, type FilterContext, type FilterSpec, type FilterType } from './filter.ts';
export { isKeyType, KEY_TYPES, KeyRing, type KeySource, type KeyType } from './key-ring.ts';
export { integrityRate, type Limits, makeLimits, stackLimits } from './limits.ts';
export { LiveTable } from './live-table.ts';
export { MappedDevice, type SuspendOptions } from './mapped-device.ts';
export { type ArgsOf, describeParams, type Param } from './params.ts';
export { type Claim, Port, type PortOptions } from './port.ts';
export { atRest, quiesce, type QuiesceOptions, thaw } from './quiesce.ts';
export { Random, SEEDS } from './random.ts';
export { isPluginType, type PluginType, Registry } from './registry.ts';
export { remapFilter } from './remap.ts';
export { Row } from './row.ts';
export { parseSize, sizeText } from './size.ts';
export { checkLayout, parseTable, quoteWord, splitWords, type TableLine } from './table-text.ts';
export {
  type Area,
  defineTarget,
  type Target,
  type TargetContext,
  type TargetFeatures,
  type TargetSpec,
  type TargetType,
} from './target.ts';
export { deferToUnplug, plug, type Pluggable, unplug } from './trampoline.ts';
