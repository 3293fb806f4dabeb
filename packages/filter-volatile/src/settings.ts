import { fail, type Param, parseSettings, SEEDS, sizeText } from '@interposer/core';
import { type CutOptions, DEFAULT_CAPACITY } from '@interposer/volatile-cache';

/** How the filter is set. */
export interface Settings {
  /** Bytes of the cache. */
  readonly size: number;
  /** Percent. */
  readonly keep: number;
  /** Percent. */
  readonly torn: number;
  /** Bytes. */
  readonly unit: number;
  readonly order: 'any' | 'prefix';
  /** Undefined: a random one for each cut. */
  readonly seed: number | undefined;
}

/** What holds unless something else is said. */
export const DEFAULTS: Settings = {
  size: DEFAULT_CAPACITY,
  keep: 50,
  torn: 10,
  unit: 512,
  order: 'any',
  seed: undefined,
};

const KEEP = { name: 'keep', kind: 'uint', max: 100, about: 'percent of the writes that survive' } as const;
const TORN = {
  name: 'torn',
  kind: 'uint',
  max: 100,
  about: 'percent of the survivors that survive in part only',
} as const;
const UNIT = {
  name: 'unit',
  kind: 'size',
  min: 512,
  max: 65536,
  about: 'bytes that are never torn, a power of two',
} as const;
const ORDER = {
  name: 'order',
  kind: 'choice',
  values: ['any', 'prefix'],
  about: 'any, or prefix: nothing after the first write that is lost',
} as const;
const SEED = { name: 'seed', kind: 'uint', max: SEEDS - 1, about: 'where chance begins' } as const;
const SIZE = { name: 'size', kind: 'size', about: 'bytes that the cache holds' } as const;

type OptionsParam = Extract<Param, { kind: 'options' }>;

/** `[size=<capacity>] [keep=<percent>] [torn=<percent>] [unit=<bytes>] [order=any|prefix] [seed=<n>]` */
export const SETTINGS: OptionsParam = {
  name: 'settings',
  kind: 'options',
  about: 'the cache, and what a power cut leaves of it',
  of: [SIZE, KEEP, TORN, UNIT, ORDER, SEED],
};

/** `[keep=<percent>] [torn=<percent>] [unit=<bytes>] [order=any|prefix] [seed=<n>]`: those of one cut. */
const CUT: OptionsParam = { ...SETTINGS, name: 'cut', of: [KEEP, TORN, UNIT, ORDER, SEED] };

/** Some of the settings, as they were given. */
export type Given = { readonly [Key in keyof Settings]?: NonNullable<Settings[Key]> };

/** Settings of which some are given anew. EINVAL for a unit that is no power of two. */
export function withGiven(settings: Settings, given: Given): Settings {
  const { unit = settings.unit } = given;
  if ((unit & (unit - 1)) !== 0) {
    throw fail('EINVAL', `filter volatile: unit: ${String(unit)} is no power of two from 512 to 65536`);
  }
  return { ...settings, ...given };
}

/** The words of a `set` message. EINVAL for what is no setting. */
export function givenSettings(words: readonly string[]): Given {
  return parseSettings(SETTINGS, words, 'filter volatile');
}

/** The words of a `cut` message, but for `on`. EINVAL for what cannot be said of a cut. */
export function givenOfCut(words: readonly string[]): Given {
  return parseSettings(CUT, words, 'filter volatile: cut');
}

/** What the cache is to know of a cut. */
export function cutOptions({ keep, torn, unit, order }: Settings): Omit<CutOptions, 'random'> {
  return { keep: keep / 100, torn: torn / 100, unit, order };
}

/** The words that give these settings; what is as it is by default is left out. */
export function settingsText(settings: Settings): string {
  const keys = Object.keys(DEFAULTS) as (keyof Settings)[];
  return keys
    .filter((key) => settings[key] !== DEFAULTS[key])
    .map((key) => wordOf(settings, key))
    .join(' ');
}

/** Every setting on a line of its own. */
export function settingsList(settings: Settings): string {
  const keys = Object.keys(DEFAULTS) as (keyof Settings)[];
  return keys.map((key) => wordOf(settings, key)).join('\n');
}

function wordOf(settings: Settings, key: keyof Settings): string {
  return `${key}=${key === 'size' ? sizeText(settings.size) : String(settings[key] ?? 'random')}`;
}
