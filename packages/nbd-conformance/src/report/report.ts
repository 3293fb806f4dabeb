import type { Level } from '../rule.ts';
import type { Survey } from '../survey.ts';

/** What became of a rule. `not-run`: it changes data and that was not allowed, or the server was gone. */
export type Status = 'pass' | 'fail' | 'not-applicable' | 'not-run';

/** The outcome of one rule. */
export interface Result {
  readonly id: string;
  readonly level: Level;
  readonly section: string;
  readonly about: string;
  readonly status: Status;
  /** Why it failed, does not apply, or was not run. */
  readonly message?: string;
  /** Of a failure: what was sent and what came, decoded, a line each. */
  readonly conversation?: readonly string[];
  readonly milliseconds: number;
}

/** How many rules of a level hold, of those that apply and were run. */
export interface Score {
  readonly passed: number;
  readonly of: number;
}

/** What the rules say about a server. */
export interface Report {
  readonly uri: string;
  readonly survey: Survey;
  readonly results: readonly Result[];
  readonly must: Score;
  readonly should: Score;
  readonly notApplicable: number;
  readonly notRun: number;
}

/** Counts results. */
export function makeReport(uri: string, survey: Survey, results: readonly Result[]): Report {
  const count = (status: Status): number => results.filter((result) => result.status === status).length;
  return {
    uri,
    survey,
    results,
    must: score(results, 'MUST'),
    should: score(results, 'SHOULD'),
    notApplicable: count('not-applicable'),
    notRun: count('not-run'),
  };
}

function score(results: readonly Result[], level: Level): Score {
  const run = results.filter(
    (result) => result.level === level && (result.status === 'pass' || result.status === 'fail'),
  );
  return { passed: run.filter(({ status }) => status === 'pass').length, of: run.length };
}

/** `MUST 81/81, SHOULD 30/31, 12 not applicable`. */
export function summarize({ must, should, notApplicable, notRun }: Report): string {
  const parts = [
    `MUST ${String(must.passed)}/${String(must.of)}`,
    `SHOULD ${String(should.passed)}/${String(should.of)}`,
    `${String(notApplicable)} not applicable`,
    ...(notRun > 0 ? [`${String(notRun)} not run`] : []),
  ];
  return parts.join(', ');
}
