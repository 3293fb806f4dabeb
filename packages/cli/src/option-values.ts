import { fail, parseSize, SECTOR_SIZE } from '@interposer/core';
import type { Options } from './command-line.ts';

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
