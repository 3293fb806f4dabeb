import type { CrashState } from './crash-state.ts';

/** A state that the check did not pass. */
export interface Failure {
  /** With as few writes of its epoch as it fails with: it passes without any one of them. */
  readonly state: CrashState;
  /** As the search came upon it. */
  readonly found: CrashState;
  /** What the check said of `state`. */
  readonly message: string;
  /** Where it is written down, for `loadFailure`; undefined without a results folder. */
  readonly file: string | undefined;
}

/** What was found between two flushes. */
export interface EpochResult {
  /** From 0. */
  readonly epoch: number;
  /** First and last entry of the log; undefined where it has none. */
  readonly entries: readonly [first: number, last: number] | undefined;
  /** Writes without FUA, and discards. */
  readonly writes: number;
  /** Writes with FUA. */
  readonly fua: number;
  /** False for the last epoch, which no flush ends. */
  readonly flushed: boolean;
  /** How many states there are, tears that are not tried counted; may be infinite. */
  readonly space: number;
  /** States that were made, of those the ones that need no check, and the others. */
  readonly explored: number;
  readonly pruned: number;
  readonly checked: number;
  readonly seconds: number;
  readonly failure: Failure | undefined;
  /** It begins with a disk that fails already, as the epoch before left it: no failure of its own, and not searched. */
  readonly beginsBroken: boolean;
}

/** Two writes that overlap with different data, of which one has FUA: the log does not tell which came first. */
export interface Ambiguity {
  readonly epoch: number;
  /** Numbers of their entries. */
  readonly fua: number;
  readonly write: number;
}

/** What a search found. */
export interface SearchResult {
  /** As many as were begun. */
  readonly epochs: readonly EpochResult[];
  /** States that were made: `pruned + checked`. */
  readonly explored: number;
  /** States whose content was checked already with the same or more promises, or is checked at the begin of the next epoch. */
  readonly pruned: number;
  readonly checked: number;
  /** States that were looked at to make failures small, besides. */
  readonly shrinking: number;
  /** Verdicts that came from the results folder. */
  readonly reused: number;
  readonly failures: readonly Failure[];
  /** Whether bounds left states out: there are more than were made, in an epoch that was searched and has no failure. */
  readonly bounded: boolean;
  /** `stopped`: by `stopAfter`. `aborted`: by the signal; the last epoch is not whole then. */
  readonly ended: 'complete' | 'stopped' | 'aborted';
  readonly ambiguous: readonly Ambiguity[];
  readonly seconds: number;
}
