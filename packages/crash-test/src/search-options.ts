import { fail, type Port, SECTOR_SIZE } from '@interposer/core';
import type { Check } from './check.ts';

/** How far a search is, told after each state that was made, and after each epoch. */
export interface Progress {
  /** States that were made, or that are not needed any more. */
  readonly done: number;
  /** States that are made at most. */
  readonly total: number;
  /** States that were made: `pruned + checked`. */
  readonly explored: number;
  readonly pruned: number;
  readonly checked: number;
  readonly failures: number;
  /** The epoch at work, from 0, and how many there are. */
  readonly epoch: number;
  readonly epochs: number;
}

/** What to search, how far, and how to tell. */
export interface SearchOptions {
  /** What the disk held before the log began. Only read. */
  readonly base: Port;
  /** A device with a log of writes, as the log-writes target makes it. Only read; its data is kept in memory. */
  readonly log: Port;
  readonly check: Check;
  /** What the check is, such as its command; a results folder of another one is refused. `check` by default. */
  readonly checkText?: string;
  /** Bytes that the disk writes whole: writes are torn at multiples of it. A power of two of at least 512, the default. */
  readonly unit?: number;
  /** What is random depends on it only; 1 by default. */
  readonly seed?: number;
  /** Of an epoch with up to so many writes without FUA, all subsets of them are made; 8 by default. */
  readonly exhaustive?: number;
  /** So many states of an epoch at most; 512 by default. */
  readonly perEpoch?: number;
  /** So many states at most, shared fairly among the epochs; 10,000 by default. */
  readonly states?: number;
  /** So many checks at a time; 1 by default. The result does not depend on it. */
  readonly jobs?: number;
  /** Milliseconds for a check, after which it has failed; 60,000 by default. */
  readonly timeout?: number;
  /** The search ends with so many failures; by default it never does. An epoch ends with its first one. */
  readonly stopAfter?: number;
  /** Where verdicts and failures are kept, so that the search can be continued; made where there is none. */
  readonly folder?: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the search as soon as the checks that are under way have ended. */
  readonly signal?: AbortSignal;
}

/** Options with everything that was left out. */
export type Settings = Required<Omit<SearchOptions, 'folder'>> & { readonly folder: string | undefined };

const DEFAULTS = {
  checkText: 'check',
  unit: SECTOR_SIZE,
  seed: 1,
  exhaustive: 8,
  perEpoch: 512,
  states: 10_000,
  jobs: 1,
  timeout: 60_000,
  stopAfter: Infinity,
  folder: undefined,
} as const;

/** EINVAL for a number that cannot be. */
export function settingsOf(options: SearchOptions): Settings {
  const settings = {
    ...DEFAULTS,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...options,
  };
  const { unit, exhaustive, seed } = settings;
  if (unit < SECTOR_SIZE || !Number.isInteger(Math.log2(unit)))
    throw fail('EINVAL', `a unit of ${String(unit)} bytes: want a power of two of at least 512`);
  if (!Number.isSafeInteger(seed)) throw fail('EINVAL', `seed ${String(seed)}: want a whole number`);
  if (!(exhaustive >= 0)) throw fail('EINVAL', `exhaustive ${String(exhaustive)}: want a number from 0 on`);
  for (const name of ['perEpoch', 'states', 'stopAfter'] as const) wantCount(name, settings[name], true);
  for (const name of ['jobs', 'timeout'] as const) wantCount(name, settings[name], false);
  return settings;
}

function wantCount(name: string, value: number, infinite: boolean): void {
  if ((Number.isSafeInteger(value) && value > 0) || (infinite && value === Infinity)) return;
  throw fail('EINVAL', `${name} ${String(value)}: want a whole number from 1 on`);
}
