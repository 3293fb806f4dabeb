import { BaseImage } from './base-image.ts';
import type { CrashState } from './crash-state.ts';
import { EpochSearch, type EpochWork } from './epoch-search.ts';
import { tearsOfEpoch, walkEpochs } from './epoch-states.ts';
import type { Sources } from './failure-file.ts';
import { type History, readHistory } from './history.ts';
import { Journal } from './journal.ts';
import { quotas } from './quotas.ts';
import { type SearchOptions, type Settings, settingsOf } from './search-options.ts';
import type { Ambiguity, EpochResult, Failure, SearchResult } from './search-result.ts';
import { Seen } from './seen.ts';
import { type Choices, triedOf } from './selections.ts';
import { Verdicts } from './verdicts.ts';

/**
 * Makes the disks that a crash could have left, and checks them. Every state that is made could have been, if the disk kept
 * what it promised at flushes and with FUA; the README says which are made. Resolves also when the signal ends it. Rejects
 * with EINVAL for options that cannot be, for no log or a damaged one, and for a log of a larger disk; with EEXIST for a
 * results folder of something else; and with what the check rejects with.
 */
export async function searchCrashStates(options: SearchOptions): Promise<SearchResult> {
  const started = performance.now();
  const settings = settingsOf(options);
  const base = await BaseImage.open(settings.base);
  const history = await readHistory(settings.log, base.sectors);
  const { folder, unit, checkText } = settings;
  const header = { log: history.hash, base: base.hash, unit, check: checkText };
  const journal = folder === undefined ? undefined : await Journal.open(folder, header);
  try {
    const search = new Search(settings, base, history, journal);
    await search.run();
    return search.result((performance.now() - started) / 1000);
  } finally {
    await journal?.close();
  }
}

/** A search that is going on. */
class Search {
  readonly #settings: Settings;
  readonly #base: BaseImage;
  readonly #history: History;
  readonly #verdicts: Verdicts;
  readonly #sources: Sources;
  readonly #seen = new Seen();
  readonly #epochs: EpochResult[] = [];
  readonly #ambiguous: Ambiguity[] = [];
  #shrinking = 0;
  #stopped = false;

  constructor(settings: Settings, base: BaseImage, history: History, journal: Journal | undefined) {
    this.#settings = settings;
    this.#base = base;
    this.#history = history;
    this.#verdicts = new Verdicts(settings.check, settings.timeout, journal);
    this.#sources = {
      log: { name: settings.log.device.name, hash: history.hash },
      base: { name: settings.base.device.name, hash: base.hash },
    };
  }

  async run(): Promise<void> {
    const { signal, stopAfter } = this.#settings;
    const choices = this.#history.epochs.map((epoch) => this.#choices(epoch.number));
    const shares = quotas(
      choices.map((its) => Math.min(its.most, triedOf(its))),
      this.#settings.states,
    );
    const tearsOf = ({ number }: { readonly number: number }) =>
      new Map([...choices[number]!.tears].map(([write, { tears }]) => [write, tears]));
    for await (const states of walkEpochs(this.#base, this.#history, tearsOf)) {
      this.#ambiguous.push(...states.ambiguous());
      const { number } = states.epoch;
      const search = new EpochSearch(this.#work(shares, number), states, choices[number]!, shares[number]!);
      this.#epochs.push(await search.run());
      this.#shrinking += search.shrinking;
      if (signal.aborted) return;
      this.#stopped = this.#failures().length >= stopAfter;
      if (this.#stopped) return;
    }
  }

  result(seconds: number): SearchResult {
    const epochs = this.#epochs;
    const begun = epochs.length === this.#history.epochs.length;
    const ended = this.#settings.signal.aborted ? 'aborted' : this.#stopped ? 'stopped' : 'complete';
    return {
      epochs,
      explored: sum(epochs, 'explored'),
      pruned: sum(epochs, 'pruned'),
      checked: sum(epochs, 'checked'),
      shrinking: this.#shrinking,
      reused: this.#verdicts.reused,
      failures: this.#failures(),
      bounded: !begun || epochs.some(isCutShort),
      ended,
      ambiguous: this.#ambiguous,
      seconds,
    };
  }

  #choices(number: number): Choices {
    const { unit, seed, exhaustive, perEpoch } = this.#settings;
    const epoch = this.#history.epochs[number]!;
    return { epoch, tears: tearsOfEpoch(epoch, unit, seed), exhaustive, most: perEpoch, seed };
  }

  #work(shares: readonly number[], number: number): EpochWork {
    const { jobs, signal, folder } = this.#settings;
    const before = shares.slice(0, number).reduce((all, share) => all + share, 0);
    const total = shares.reduce((all, share) => all + share, 0);
    const explored = sum(this.#epochs, 'explored');
    const checked = sum(this.#epochs, 'checked');
    const failures = this.#failures().length;
    return {
      isLast: number === this.#history.epochs.length - 1,
      brokenBefore: this.#brokenBefore(),
      seen: this.#seen,
      jobs,
      signal,
      folder,
      sources: this.#sources,
      verdict: (state: CrashState, control: AbortController) => this.#verdicts.of(state, control),
      onProgress: (its) => {
        this.#settings.onProgress({
          done: before + its.done,
          total,
          explored: explored + its.explored,
          pruned: explored + its.explored - checked - its.checked,
          checked: checked + its.checked,
          failures: failures + its.failures,
          epoch: number,
          epochs: this.#history.epochs.length,
        });
      },
    };
  }

  /** Of the epoch that was searched last. */
  #brokenBefore(): number | undefined {
    const before = this.#epochs.at(-1);
    const isBroken = before !== undefined && (before.failure !== undefined || before.beginsBroken);
    return isBroken ? this.#history.epochs[before.epoch]!.promised : undefined;
  }

  #failures(): Failure[] {
    return this.#epochs.flatMap(({ failure }) => failure ?? []);
  }
}

/** An epoch with a failure was left for that, not for a bound. */
function isCutShort({ failure, beginsBroken, explored, space }: EpochResult): boolean {
  return failure === undefined && !beginsBroken && explored < space;
}

function sum(epochs: readonly EpochResult[], key: 'explored' | 'pruned' | 'checked'): number {
  return epochs.reduce((all, epoch) => all + epoch[key], 0);
}
