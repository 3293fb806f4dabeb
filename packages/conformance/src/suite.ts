import { type Case, unmetNeed } from './cases.ts';
import type { BenchOptions } from './bench.ts';
import { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';

/** One way to build the subject: plain, stacked on itself, over chaos, and so on. */
export interface Variant {
  readonly name: string;
  readonly cases: readonly Case[];
  build(rig: Rig): Promise<void>;
}

/** A subject with all the ways it is tried. */
export interface Suite {
  /** For messages, e.g. `target linear`. */
  readonly subject: string;
  readonly variants: readonly Variant[];
  readonly rig: Omit<BenchOptions, 'seed'>;
}

/** The part of a test's context that can mark it as skipped; both vitest and node:test have it. */
interface Skippable {
  skip?(reason: string): unknown;
}

/** Registers each case of each variant with the injected functions. */
export function runSuite(runner: TestRunner, suite: Suite): void {
  const { describe, it } = runner;
  describe(suite.subject, () => {
    for (const variant of suite.variants) {
      describe(variant.name, () => {
        for (const one of variant.cases) {
          it(one.name, (...context: unknown[]) => runCase(runner, suite, variant, one, context[0]));
        }
      });
    }
  });
}

async function runCase(
  runner: TestRunner,
  suite: Suite,
  variant: Variant,
  one: Case,
  context: unknown,
): Promise<void> {
  const rig = new Rig({ ...suite.rig, seed: runner.seed ?? 1 });
  let unmet;
  try {
    await variant.build(rig);
    unmet = unmetNeed(one.needs ?? [], rig);
    if (unmet === undefined) await one.run(rig);
    await rig.finish();
  } catch (error) {
    await rig.giveUp();
    throw error;
  }
  if (unmet !== undefined) skip(runner, suite, `${variant.name} > ${one.name}`, unmet, context);
}

function skip(runner: TestRunner, suite: Suite, name: string, unmet: string, context: unknown): void {
  const reason = `${suite.subject} does not offer what it needs: ${unmet}`;
  const print = runner.print ?? console.log;
  print(`skipped: ${name}: ${reason}`);
  // A runner that cannot mark a running test counts it as passed; the line above tells.
  (context as Skippable | undefined)?.skip?.(reason);
}
