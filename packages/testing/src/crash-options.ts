import { SEEDS } from '@interposer/core';
import type { SearchOptions } from '@interposer/crash-test';
import { checkInteger, checkKeys, kindOf } from './check.ts';
import type { CrashDisk } from './crash-disk.ts';
import type { Disk } from './disk.ts';
import type { DiskOptions } from './options.ts';

/** What a check is told besides its disk. */
export interface CrashCheck {
  /** What `run` had promised before the power cut, oldest first. */
  readonly promises: readonly string[];
  /** Aborted when the check takes too long. */
  readonly signal: AbortSignal;
}

/** The options of `searchCrashStates` that go through. */
const SEARCH = [
  'seed',
  'states',
  'perEpoch',
  'exhaustive',
  'unit',
  'jobs',
  'timeout',
  'stopAfter',
  'folder',
  'onProgress',
  'signal',
] as const;
/** What to try, and how far to search. */
export interface CrashTestOptions
  extends
    Pick<DiskOptions, 'size' | 'image' | 'seed' | 'path'>,
    Omit<Pick<SearchOptions, (typeof SEARCH)[number]>, 'seed'> {
  /** What is on the disk before the program starts: all of it is taken to be stable. */
  readonly prepare?: (disk: Disk) => Promise<void>;
  /** The program. It calls `promise` for each thing that a power cut must not undo from then on. */
  readonly run: (disk: Disk, promise: (text: string) => Promise<void>) => Promise<void>;
  /** Throws if the disk is not as it must be after a power cut. */
  readonly check: (disk: CrashDisk, about: CrashCheck) => Promise<void>;
}

const DISK = ['size', 'image', 'seed', 'path'] as const;
const PARTS = ['prepare', 'run', 'check'] as const;

/** The options of each part. */
export interface SplitOptions extends Pick<CrashTestOptions, (typeof PARTS)[number]> {
  readonly disk: DiskOptions;
  readonly search: Omit<SearchOptions, 'base' | 'log' | 'check'>;
}

/** TypeError for what are no options. Bounds are checked by those whose options they are. */
export function splitOptions(options: CrashTestOptions): SplitOptions {
  checkKeys('the options of crashTest', options, [...new Set([...DISK, ...PARTS, ...SEARCH])]);
  const { prepare, run, check } = options;
  for (const [name, part] of Object.entries({ ...(prepare === undefined ? {} : { prepare }), run, check })) {
    if (typeof part !== 'function') throw new TypeError(`${name} must be a function, not ${kindOf(part)}`);
  }
  if (options.seed !== undefined) checkInteger('seed', options.seed, 0, SEEDS - 1);
  return {
    ...(prepare === undefined ? {} : { prepare }),
    run,
    check,
    // The log has what is not flushed; a cache would keep it from the log.
    disk: { ...pick(options, DISK), cache: false },
    search: pick(options, SEARCH),
  };
}

function pick<Value extends object, Key extends keyof Value>(
  value: Value,
  keys: readonly Key[],
): Pick<Value, Key> {
  return Object.fromEntries(
    keys.filter((key) => value[key] !== undefined).map((key) => [key, value[key]]),
  ) as unknown as Pick<Value, Key>;
}
