import { ALL_OPS, defineFilter } from '@interposer/core';
import { Chaos } from './chaos.ts';
import { checkRule } from './code-rule.ts';
import type { ChaosType } from './control.ts';
import { type ChaosArgs, headerText, parseArguments } from './grammar.ts';
import type { ChaosRule } from './rule.ts';

/** Rules as code. */
export interface ChaosSpec {
  /** Of the filter type; `chaos` by default. */
  readonly name?: string;
  /** `170000` by default. */
  readonly altitude?: string;
  /** From 0 to 2^32-1; a random one for each filter by default. The words that attach it may say another. */
  readonly seed?: number;
  /** Looked at before those that words give. */
  readonly rules: readonly ChaosRule[];
}

/**
 * A type of filter with rules of its own, which may ask predicates. Whoever attaches it may add rules in words. EINVAL, with
 * the number of the rule, for one that words could not say either.
 */
export function defineChaos(spec: ChaosSpec): ChaosType {
  const { name = 'chaos', altitude = '170000', seed } = spec;
  const rules = spec.rules.map((rule, index) => checkRule(rule, `rule ${index + 1} of the code`));
  if (seed !== undefined) parseArguments([headerText({ seed })]);
  const type = defineFilter({
    name,
    version: [1, 0, 0],
    altitude,
    ops: ALL_OPS,
    params: [
      {
        name: 'rules',
        kind: 'rest',
        about:
          '[seed=<n>] [state=<name>] [history=<size>] and rules: on <ops> [<condition>...] do <action> [<setting>...]',
      },
    ],
    attach: (context, args) => new Chaos(context, withSeed(parseArguments(args.rules), seed), rules),
  });
  // What `attach` answers is known, but not by the type of the function that declares filters.
  return type as ChaosType;
}

function withSeed(args: ChaosArgs, seed: number | undefined): ChaosArgs {
  return seed === undefined || args.seed !== undefined ? args : { ...args, seed };
}

/** Faults by rules that are words: the filter without rules of its own. */
export const chaos: ChaosType = defineChaos({ rules: [] });
