import type { TestRunner } from './runner.ts';

/** How a case ended. */
export interface CaseResult {
  /** The names of all `describe`s around it and its own, with ` > ` between. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason?: string;
}

/** A registered case. */
interface Registered {
  readonly name: string;
  run(...context: unknown[]): Promise<void>;
}

/** How to run collected cases. */
export interface CollectOptions {
  /** Which cases to run, by full name; all by default. */
  readonly match?: (name: string) => boolean;
  readonly seed?: number;
  /** Told of each result as it comes. */
  readonly report?: (result: CaseResult) => void;
}

/**
 * A small runner of its own: `register` calls suites with the runner it is given, then the cases run one after another.
 * For programs; tests use the functions of their test framework.
 */
export async function collect(
  register: (runner: TestRunner) => void,
  options: CollectOptions = {},
): Promise<CaseResult[]> {
  const { match = () => true, seed = 1, report = () => undefined } = options;
  const results: CaseResult[] = [];
  for (const one of listCases(register, seed)) {
    if (!match(one.name)) continue;
    const result = await runOne(one);
    results.push(result);
    report(result);
  }
  return results;
}

/** The cases that suites register, in order. */
export function listCases(register: (runner: TestRunner) => void, seed = 1): Registered[] {
  const cases: Registered[] = [];
  const path: string[] = [];
  register({
    describe: (name, body) => {
      path.push(name);
      body();
      path.pop();
    },
    it: (name, run) => cases.push({ name: [...path, name].join(' > '), run }),
    print: () => undefined,
    seed,
  });
  return cases;
}

async function runOne(one: Registered): Promise<CaseResult> {
  const { name } = one;
  let skipped: string | undefined;
  const context = {
    skip: (reason: string) => {
      skipped = reason;
    },
  };
  try {
    await one.run(context);
  } catch (error) {
    return { name, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
  return skipped === undefined ? { name, outcome: 'passed' } : { name, outcome: 'skipped', reason: skipped };
}
