import { asError, fail } from '@interposer/core';
import { parseRules, ruleText } from './grammar.ts';
import type { ChaosRule } from './rule.ts';

/**
 * A rule of a program as it would be in words, with its predicate: there is one engine, and one set of rules for what is
 * allowed. EINVAL, with the name the rule goes by.
 */
export function checkRule(rule: ChaosRule, name: string): ChaosRule {
  try {
    const [same] = parseRules(ruleText(rule));
    return rule.when === undefined ? same! : { ...same!, when: rule.when };
  } catch (error) {
    throw fail('EINVAL', `${name}, "${ruleText(rule)}": ${asError(error).message}`, error);
  }
}
