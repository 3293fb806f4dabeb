import { fail, parseSize, SECTOR_SIZE } from '@interposer/core';
import type { Options } from '../command-line.ts';
import { type Bounds, type Presentation, PRESENTATIONS } from './settings.ts';
import { withoutUndefined } from '../without-undefined.ts';

/** A size in bytes, whole sectors of it; undefined where the option was not given. */
export function sizeOption(options: Options, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes > 0 && bytes % SECTOR_SIZE === 0 && Number.isSafeInteger(bytes)) return bytes;
  throw fail(
    'EINVAL',
    `--${name} ${text}: want bytes, a multiple of ${String(SECTOR_SIZE)}, or 64M and the like`,
  );
}

/** A whole number; undefined where the option was not given. */
export function countOption(options: Options, name: string, least = 1): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= least) return value;
  throw fail('EINVAL', `--${name} ${text}: want a whole number from ${String(least)} on`);
}

/** The way to show states; undefined where the option was not given. */
export function presentOption(options: Options): Presentation | undefined {
  const text = options.get('present');
  if (text === undefined) return undefined;
  const found = PRESENTATIONS.find((presentation) => presentation === text);
  if (found === undefined) throw fail('EINVAL', `--present ${text}: want one of ${PRESENTATIONS.join(', ')}`);
  return found;
}

/** The bounds that were given. */
export function boundOptions(options: Options): Bounds {
  return withoutUndefined({
    states: countOption(options, 'states'),
    perEpoch: countOption(options, 'per-epoch'),
    exhaustive: countOption(options, 'exhaustive', 0),
    unit: sizeOption(options, 'unit'),
    seed: countOption(options, 'seed', 0),
    timeout: countOption(options, 'timeout'),
    keepGoing: options.has('keep-going') ? true : undefined,
  });
}
