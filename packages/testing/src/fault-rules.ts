import { type ChaosAction, type ChaosRule, parseRules } from '@interposer/filter-chaos';
import { checkInteger, checkKeys, checkNumber } from './check.ts';
import type { Match } from './match.ts';

/** Which request fails, and how. */
export interface FailMatch extends Match {
  /** Name of an errno such as `ENOSPC`, or its number; `EIO` by default. */
  readonly code?: string | number;
}

/** How long requests take: always the same, or spread, with half of them below `p50` and 99 of 100 below `p99`. */
export type Latency =
  | { /** Milliseconds. */ readonly delay: number }
  | {
      /** Milliseconds. */
      readonly p50: number;
      /** Milliseconds. */
      readonly p99: number;
      /** How many requests in a row take as long as the first of them; 1 by default. */
      readonly burst?: number;
    };

/** Milliseconds; a day. */
const LONGEST = 86_400_000;

/** The action of a rule for it. TypeError, EINVAL. */
export function delayOf(latency: Latency): ChaosAction {
  if ('delay' in latency) {
    checkKeys('a latency with a delay', latency, ['delay']);
    return { kind: 'delay', ms: checkNumber('delay', latency.delay, 0, LONGEST) };
  }
  checkKeys('a latency', latency, ['p50', 'p99', 'burst']);
  const { p50, p99, burst } = latency;
  return {
    kind: 'latency',
    p50: checkNumber('p50', p50, 0, LONGEST),
    p99: checkNumber('p99', p99, 0, LONGEST),
    ...(burst === undefined ? {} : { burst: checkInteger('burst', burst, 1) }),
  };
}

/** Rules in whichever form they are given. TypeError for none at all, EINVAL for words that are no rule. */
export function rulesOf(rules: string | ChaosRule | readonly ChaosRule[]): readonly ChaosRule[] {
  const all = typeof rules === 'string' ? parseRules(rules) : [rules].flat();
  if (all.length === 0) throw new TypeError('there is no rule to inject');
  for (const rule of all) checkRule(rule);
  return all;
}

function checkRule(rule: unknown): void {
  const { on, action, when } = (rule ?? {}) as Partial<Record<keyof ChaosRule, unknown>>;
  if (!Array.isArray(on) || typeof action !== 'object')
    throw new TypeError("a rule has at least { on: ['read'], action: { kind: 'error' } }");
  if (when !== undefined && typeof when !== 'function') throw new TypeError('when must be a function');
}
