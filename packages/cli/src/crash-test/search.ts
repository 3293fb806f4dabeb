import { availableParallelism } from 'node:os';
import { searchCrashStates, type SearchOptions, type SearchResult } from '@interposer/crash-test';
import { type Disks, withDisks } from './disks.ts';
import { withoutUndefined } from '../without-undefined.ts';
import type { System } from '../attach/system.ts';
import { Checker } from './checker.ts';
import { Interruption } from './interruption.ts';
import { Presenter } from './presenter.ts';
import type { ProgressDisplay } from './progress.ts';
import type { Settings } from './settings.ts';

/** The longest that a timer takes: the time of checks is measured here, without that of making and removing their disks. */
const NO_LIMIT = 2 ** 31 - 1;

/** What a search runs with. */
export interface SearchContext {
  /** Where verdicts and failures go. */
  readonly folder: string;
  /** What the user can do when the search was interrupted. */
  readonly advice: string;
  readonly jobs: number | undefined;
  readonly system: System;
  readonly userEnv: Readonly<Record<string, string | undefined>>;
  readonly stop: AbortSignal;
  /** Undefined: nothing is shown. */
  readonly display: ProgressDisplay | undefined;
  readonly log: (message: string) => void;
}

/** Looks for states that the check does not survive. When it returns, or throws, nothing of it is left but its folder. */
export async function search(settings: Settings, context: SearchContext): Promise<SearchResult> {
  const { advice, system, userEnv, stop, log, display } = context;
  const presenter = new Presenter(settings.present, system, log);
  try {
    const checker = new Checker(settings, { presenter, userEnv });
    const result = await withDisks(settings, log, (disks) => run(settings, context, checker, disks));
    if (result.ended === 'aborted') throw new Interruption(advice);
    return result;
  } catch (error) {
    throw stop.aborted ? new Interruption(advice) : error;
  } finally {
    await presenter.close();
    display?.end();
  }
}

/** Ends with the last check, also where one of them is such that there is no use in others. */
async function run(
  settings: Settings,
  { folder, jobs = availableParallelism(), stop, display }: SearchContext,
  checker: Checker,
  disks: Disks,
): Promise<SearchResult> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  try {
    return await searchCrashStates({
      ...disks,
      ...boundsOf(settings),
      folder,
      jobs,
      signal,
      timeout: NO_LIMIT,
      checkText: settings.check,
      check: (state, unwanted) => checker.verdict(state, AbortSignal.any([signal, unwanted])),
      ...(display === undefined ? {} : { onProgress: display.update }),
    });
  } finally {
    over.abort();
    await checker.idle();
  }
}

function boundsOf({
  states,
  perEpoch,
  exhaustive,
  unit,
  seed,
  keepGoing = false,
}: Settings): Partial<SearchOptions> {
  const bounds = { states, perEpoch, exhaustive, unit, seed, stopAfter: keepGoing ? undefined : 1 };
  return withoutUndefined(bounds);
}
