import { type Clock, SEEDS } from '@interposer/core';
import { checkInteger, checkKeys, kindOf } from './check.ts';
import { type Losses, LOSSES_KEYS, lossWords } from './power.ts';
import { DiskSnapshot } from './snapshot.ts';

/** The volatile write cache of a disk. */
export interface CacheOptions extends Losses {
  /** Bytes, or a text such as `16M`; 64 MiB by default. What does not fit makes older writes stable. */
  readonly size?: number | string;
}

/** What a disk is to be. */
export interface DiskOptions {
  /** Bytes, or a text such as `64M`. Absent: that of the image. It takes memory only where something is written. */
  readonly size?: number | string;
  /** What is on it at first: the path of an image, which is never changed, or a snapshot. Absent: zeroes. */
  readonly image?: string | DiskSnapshot;
  /** Of all that is left to chance, 0 to 4,294,967,295; any, which `disk.seed` tells, by default. */
  readonly seed?: number;
  /** Rules of the filter chaos, in words, as one that `inject` takes: `on read probability=0.001 do error=EIO`. */
  readonly faults?: readonly string[];
  /** A cache that keeps writes until a flush, as disks have: what it holds, a power cut may lose. `true` by default. */
  readonly cache?: boolean | CacheOptions;
  /** `true`: a path is needed, and its lack an error. `auto`: if it can be had. `false`, the default: none. */
  readonly path?: boolean | 'auto';
  /** For the delays of faults; the system's by default. */
  readonly clock?: Clock;
}

const KEYS = ['size', 'image', 'seed', 'faults', 'cache', 'path', 'clock'];

/** TypeError for what are no options, EINVAL for values beyond their bounds. */
export function checkOptions(options: DiskOptions): void {
  checkKeys('the options of createDisk', options, KEYS);
  const { size, image, seed, faults, path } = options;
  if (size === undefined && image === undefined) throw new TypeError('createDisk wants a size, or an image');
  expectKind('size', size, ['undefined', 'number', 'string']);
  if (!(image instanceof DiskSnapshot)) expectKind('image', image, ['undefined', 'string']);
  if (path !== 'auto') expectKind('path', path, ['undefined', 'boolean']);
  if (seed !== undefined) checkInteger('seed', seed, 0, SEEDS - 1);
  if (faults === undefined) return;
  if (!Array.isArray(faults)) throw new TypeError(`faults must be an array, not ${kindOf(faults)}`);
  for (const fault of faults) expectKind('each of the faults', fault, ['string']);
}

/** The words that attach a cache; undefined: there is to be none. TypeError, EINVAL. */
export function cacheWords(cache: DiskOptions['cache'] = true): string | undefined {
  if (cache === false) return undefined;
  if (cache === true) return '';
  checkKeys('cache', cache, [...LOSSES_KEYS, 'size']);
  const size = cache.size === undefined ? [] : [`size=${String(cache.size)}`];
  return [...size, ...lossWords(cache)].join(' ');
}

function expectKind(name: string, value: unknown, kinds: readonly string[]): void {
  if (kinds.includes(kindOf(value))) return;
  throw new TypeError(
    `${name} must be a ${kinds.filter((kind) => kind !== 'undefined').join(' or a ')}, not ${kindOf(value)}`,
  );
}
