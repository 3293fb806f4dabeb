import { describeState, type Failure, junit, reportText, type SearchResult } from '@interposer/crash-test';

/** Failures that the error of `assertNone` tells in full. */
const MOST_TOLD = 3;

/** What became of a crash test. */
export class CrashTestResult {
  /** Everything that is known of the search. */
  readonly search: SearchResult;

  /** Made by `crashTest`. */
  constructor(search: SearchResult) {
    this.search = search;
  }

  /** One for each epoch at most, each with the fewest writes that it takes. */
  get failures(): readonly Failure[] {
    return this.search.failures;
  }

  /**
   * Throws an error that tells what failed, with the writes that were kept and lost, unless nothing did; and one where nothing
   * failed because the search was aborted.
   */
  assertNone(): void {
    const { failures, ended, checked } = this.search;
    if (ended === 'aborted' && failures.length === 0)
      throw new Error(`the search was aborted when ${String(checked)} states had been checked`);
    if (failures.length === 0) return;
    const told = failures.slice(0, MOST_TOLD).map(failureText);
    const more = failures.length - told.length;
    if (more > 0) told.push(`and ${String(more)} more`);
    throw new Error(`${summary(this.search)}\n\n${told.join('\n\n')}`);
  }

  /** The report of the search as text. */
  toString(): string {
    return reportText(this.search);
  }

  /** The report as JUnit XML, for continuous integration. */
  junit(name?: string): string {
    return junit(this.search, name === undefined ? {} : { name });
  }
}

function summary({ failures, checked, ended }: SearchResult): string {
  const rest = ended === 'complete' ? '' : `, and the search was ${ended}`;
  const count = failures.length === 1 ? '1 failure' : `${String(failures.length)} failures`;
  return `a power cut can do damage: ${count} in ${String(checked)} states that were checked${rest}`;
}

function failureText({ message, state }: Failure): string {
  return `${message}\n${describeState(state)}`;
}
