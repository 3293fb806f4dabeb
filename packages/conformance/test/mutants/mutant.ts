import { collect, type TestRunner } from '../../src/index.ts';

/** A plugin with one fault. */
export interface Mutant {
  /** What is wrong with it. */
  readonly fault: string;
  /** The case that must fail. */
  readonly failing: string;
  /** Runs the suite on it, or on the sound original. */
  readonly suite: (runner: TestRunner, mutated: boolean) => void;
}

/** How often the named case passed and failed on the mutant or the original. */
export async function tally(mutant: Mutant, mutated: boolean): Promise<{ passed: number; failed: string[] }> {
  const results = await collect(
    (runner) => {
      mutant.suite(runner, mutated);
    },
    { match: (name) => name.endsWith(` > ${mutant.failing}`) },
  );
  return {
    passed: results.filter(({ outcome }) => outcome === 'passed').length,
    failed: results
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ name, reason }) => `${name}: ${reason ?? ''}`),
  };
}
