import { fail } from '@interposer/core';
import type { Options } from '../command-line.ts';
import { countOption, sizeOption } from '../option-values.ts';
import { type Bounds, type Presentation, PRESENTATIONS } from './settings.ts';
import { withoutUndefined } from '../without-undefined.ts';

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
