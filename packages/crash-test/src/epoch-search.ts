import { setImmediate } from 'node:timers/promises';
import type { Verdict } from './check.ts';
import type { CrashState } from './crash-state.ts';
import type { EpochStates } from './epoch-states.ts';
import { saveFailure, type Sources } from './failure-file.ts';
import { type FirstFailing, firstFailing } from './first-failing.ts';
import type { EpochResult, Failure } from './search-result.ts';
import type { Seen } from './seen.ts';
import type { Selection } from './selection.ts';
import { type Choices, selections, spaceOf } from './selections.ts';
import { shrink } from './shrink.ts';

/** How far the search of an epoch is. */
export interface EpochProgress {
  readonly done: number;
  readonly explored: number;
  readonly checked: number;
  readonly failures: number;
}

/** What the search of an epoch shares with those of the others. */
export interface EpochWork {
  readonly isLast: boolean;
  /** How many marks stood before the end of the epoch before, if that has a failure or began with one. */
  readonly brokenBefore: number | undefined;
  readonly seen: Seen;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Where failures are written. */
  readonly folder: string | undefined;
  readonly sources: Sources;
  readonly verdict: (state: CrashState, control: AbortController) => Promise<Verdict | undefined>;
  readonly onProgress: (progress: EpochProgress) => void;
}

/** How many states there were when one was made, itself counted. */
interface Counts {
  readonly explored: number;
  readonly checked: number;
  readonly seen: number;
}

/** A state that was made; undefined where it needs no check. */
interface Candidate {
  readonly state: CrashState | undefined;
  readonly counts: Counts;
}

const PASSES: Verdict = { ok: true };

/** After so many states others get their turn, for neither making a state nor a check has to wait for anything. */
const TURN = 128;

const SOUND = { failure: undefined, beginsBroken: false };

/** Looks for a failing state of one epoch, and makes it small. */
export class EpochSearch {
  readonly #work: EpochWork;
  readonly #states: EpochStates;
  readonly #choices: Choices;
  readonly #share: number;
  /** States that were looked at to make the failure small. */
  shrinking = 0;
  #explored = 0;
  #checked = 0;
  #done = 0;

  /** `share`: so many states at most. */
  constructor(work: EpochWork, states: EpochStates, choices: Choices, share: number) {
    this.#work = work;
    this.#states = states;
    this.#choices = choices;
    this.#share = share;
  }

  async run(): Promise<EpochResult> {
    const started = performance.now();
    const { epoch } = this.#states;
    const found = await firstFailing(this.#candidates(), {
      ...this.#work,
      verdict: (candidate: Candidate, control) => this.#verdict(candidate, control),
    });
    const judged = found === undefined ? SOUND : await this.#judge(found);
    this.#tell(this.#share, judged.failure === undefined ? 0 : 1);
    return {
      epoch: epoch.number,
      entries: epoch.entries,
      writes: epoch.loose.length,
      fua: epoch.fua.length,
      flushed: epoch.flushed,
      space: spaceOf(this.#choices),
      explored: this.#explored,
      pruned: this.#explored - this.#checked,
      checked: this.#checked,
      seconds: (performance.now() - started) / 1000,
      ...judged,
    };
  }

  async #verdict({ state, counts }: Candidate, control: AbortController): Promise<Verdict | undefined> {
    if (counts.explored % TURN === 0) await setImmediate();
    const verdict = state === undefined ? PASSES : await this.#work.verdict(state, control);
    this.#tell(counts.explored, 0);
    return verdict;
  }

  /** States, each made when it is asked for. */
  *#candidates(): Generator<Candidate> {
    const { isLast, seen } = this.#work;
    if (this.#share === 0) return;
    for (const selection of selections(this.#choices)) {
      this.#explored++;
      // What all of the epoch leaves is what the next one begins with, when no less has been promised.
      const state = isLast || !this.#isAll(selection) ? this.#states.state(selection) : undefined;
      const needed = state !== undefined && seen.add(state) ? state : undefined;
      if (needed !== undefined) this.#checked++;
      const counts = { explored: this.#explored, checked: this.#checked, seen: seen.size };
      yield { state: needed, counts };
      if (this.#explored === this.#share) return;
    }
  }

  #isAll({ pieces }: Selection): boolean {
    return (
      pieces.length === this.#states.epoch.writes.length &&
      pieces.length > 0 &&
      pieces.every(({ tear }) => tear === null)
    );
  }

  /** Forgets what was made behind a state, as if one had been checked after the other. */
  #backTo({ explored, checked, seen }: Counts): void {
    this.#explored = explored;
    this.#checked = checked;
    this.#work.seen.backTo(seen);
  }

  /** What a failing state means, made small. */
  async #judge(found: FirstFailing<Candidate>): Promise<Pick<EpochResult, 'failure' | 'beginsBroken'>> {
    const { item, message } = found;
    this.#backTo(item.counts);
    const first = item.state!;
    const tried = (selections: readonly Selection[]) => this.#attempt(selections);
    const smallest = await shrink(this.#states.epoch, first.selection, tried);
    const state = this.#states.state(smallest);
    if (await this.#isOld(state)) return { failure: undefined, beginsBroken: true };
    return { failure: await this.#failure(state, first, message), beginsBroken: false };
  }

  /** Whether the state is the disk as the epoch before left it, and fails with no more promises than there were then. */
  async #isOld({ selection }: CrashState): Promise<boolean> {
    const promised = this.#work.brokenBefore;
    if (promised === undefined || selection.pieces.length > 0) return false;
    return (await this.#attempt([{ pieces: [], promised }])) !== undefined;
  }

  async #failure(state: CrashState, found: CrashState, message: string): Promise<Failure> {
    const { signal, folder, sources, verdict } = this.#work;
    const told = await verdict(state, new AbortController());
    const failure = { state, found, message: told?.ok === false ? told.message : message };
    const keep = folder !== undefined && !signal.aborted;
    const file = keep ? await saveFailure(folder, state, sources, failure.message) : undefined;
    return { ...failure, file };
  }

  async #attempt(tried: readonly Selection[]): Promise<FirstFailing<Selection> | undefined> {
    const found = await firstFailing(tried.values(), {
      ...this.#work,
      verdict: (selection: Selection, control) => this.#work.verdict(this.#states.state(selection), control),
    });
    this.shrinking += found === undefined ? tried.length : found.index + 1;
    return found;
  }

  #tell(done: number, failures: number): void {
    const [explored, checked] = [this.#explored, this.#checked];
    // Checks may end in any order.
    this.#done = Math.max(this.#done, done);
    this.#work.onProgress({ done: this.#done, explored, checked, failures });
  }
}
