import { ALL_OPS, INTEGRITY_UNIT, type OpSet, SECTOR_SIZE } from './constants.ts';

/** What a device can do. Sizes of blocks are bytes, of the device and of I/O are sectors. */
export interface Limits {
  /** Size of the device in sectors. */
  readonly sectors: number;
  /** Smallest unit of I/O in bytes, a power of two of at least 512. Bios are aligned to it. */
  readonly logicalBlock: number;
  /** The unit the medium writes without reading first, in bytes. */
  readonly physicalBlock: number;
  /** Preferred smallest I/O in bytes. */
  readonly ioMin: number;
  /** Preferred I/O in bytes; 0 where there is none. */
  readonly ioOpt: number;
  /** Largest read or write the driver takes, in sectors; core splits what is larger. */
  readonly maxSectors: number;
  /** The same for discards and write-zeroes, which have no data. */
  readonly maxRangeSectors: number;
  /** Operations that can succeed. */
  readonly ops: OpSet;
  readonly readOnly: boolean;
  /** Unit of a discard in bytes; 0 where discard is not offered. */
  readonly discardGranularity: number;
  /** Whether writes need a flush to be on stable storage. */
  readonly volatileCache: boolean;
  readonly rotational: boolean;
  /** Whether zeroing a range takes less than writing zeroes to it. */
  readonly fastZeroes: boolean;
  /** Bytes of integrity data that are kept beside each logical block, which then has at most 4096 bytes; 0: none. */
  readonly integrity: number;
}

/** What bios with integrity data for a device of these limits have as their `integrityRate`; 0: it takes none. */
export function integrityRate({ integrity, logicalBlock }: Limits): number {
  return logicalBlock > INTEGRITY_UNIT ? 0 : (integrity * INTEGRITY_UNIT) / logicalBlock;
}

/** Limits of an ideal device of a size, for the given ones to narrow. */
export function makeLimits(sectors: number, given: Partial<Limits> = {}): Limits {
  return {
    sectors,
    logicalBlock: SECTOR_SIZE,
    physicalBlock: SECTOR_SIZE,
    ioMin: SECTOR_SIZE,
    ioOpt: 0,
    maxSectors: Number.MAX_SAFE_INTEGER,
    maxRangeSectors: Number.MAX_SAFE_INTEGER,
    ops: ALL_OPS,
    readOnly: false,
    discardGranularity: SECTOR_SIZE,
    volatileCache: false,
    rotational: false,
    fastZeroes: true,
    integrity: 0,
    ...given,
  };
}

/** Both in one: what a device over two others may promise. The size stays that of the first. Kernel: blk_stack_limits. */
export function stackLimits(top: Limits, bottom: Limits): Limits {
  return {
    sectors: top.sectors,
    logicalBlock: Math.max(top.logicalBlock, bottom.logicalBlock),
    physicalBlock: Math.max(top.physicalBlock, bottom.physicalBlock),
    ioMin: Math.max(top.ioMin, bottom.ioMin),
    ioOpt: commonMultiple(top.ioOpt, bottom.ioOpt),
    // Core splits at each device for itself, so a limit of the lower one need not bind the upper.
    maxSectors: top.maxSectors,
    maxRangeSectors: top.maxRangeSectors,
    ops: top.ops,
    readOnly: top.readOnly,
    discardGranularity: Math.max(top.discardGranularity, bottom.discardGranularity),
    volatileCache: top.volatileCache || bottom.volatileCache,
    rotational: top.rotational || bottom.rotational,
    fastZeroes: top.fastZeroes && bottom.fastZeroes,
    integrity: sharedIntegrity([top, bottom], Math.max(top.logicalBlock, bottom.logicalBlock)),
  };
}

/** Bytes of integrity data for a block of that size, where all keep the same beside such a block; else 0. */
export function sharedIntegrity(all: readonly Limits[], logicalBlock: number): number {
  const bytes = all[0]?.integrity ?? 0;
  return all.every((one) => one.integrity === bytes && one.logicalBlock === logicalBlock) ? bytes : 0;
}

/** Least common multiple; 0 means "no preference" on either side. */
function commonMultiple(a: number, b: number): number {
  if (a === 0 || b === 0) return a + b;
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Whether two promise the same. */
export function sameLimits(a: Limits, b: Limits): boolean {
  return (Object.keys(a) as (keyof Limits)[]).every((key) => a[key] === b[key]);
}
