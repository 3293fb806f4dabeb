import type { Bio, Random } from '@interposer/core';
import { Conditions } from './conditions.ts';
import type { Effect } from './effects/effect.ts';
import { ruleText } from './grammar.ts';
import type { RequestView } from './request-view.ts';
import type { ChaosRule } from './rule.ts';

/** What rules look at beside the request. */
export interface Moment {
  readonly state: string;
  /** Milliseconds since the start. */
  readonly time: number;
  /** For predicates. */
  readonly view: RequestView;
}

/** A rule at work: with what it counts, its random numbers and what it does. */
export class ActiveRule {
  readonly rule: ChaosRule;
  readonly id: number;
  /** Whether it belongs to the filter type and not to somebody's words. */
  readonly isOwn: boolean;
  readonly effect: Effect;
  /** Requests for which it fired. */
  fired = 0;
  /** Requests that matched: those that `nth` and its kin count. */
  matches = 0;
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #when: ChaosRule['when'];
  readonly #after: number;
  readonly #nth: number;
  readonly #every: number;
  readonly #times: number;
  readonly #probability: number;
  /** Requests that met all but `when`. */
  #met = 0;

  constructor(rule: ChaosRule, own: { id: number; isOwn: boolean; effect: Effect; random: Random }) {
    this.rule = rule;
    this.id = own.id;
    this.isOwn = own.isOwn;
    this.effect = own.effect;
    this.#random = own.random;
    this.#conditions = new Conditions(rule);
    this.#when = rule.when;
    this.#after = rule.after ?? 0;
    this.#nth = rule.nth ?? 0;
    this.#every = rule.every ?? 1;
    this.#times = rule.times ?? Infinity;
    this.#probability = rule.probability ?? 1;
  }

  /** Whether its answer depends on the time. */
  get looksAtTime(): boolean {
    return this.#when !== undefined || this.#conditions.looksAtTime;
  }

  /** Whether it fires for a request of one of its operations. Asked once for each: it counts. */
  fires(bio: Bio, moment: Moment): boolean {
    const { state, time } = moment;
    if (!this.#conditions.accepts(bio.op, bio.sector, bio.count, bio.flags, state, time)) return false;
    this.#met++;
    if (this.#when !== undefined && !this.#when(moment.view.show(bio, time, this.#met, state))) return false;
    if (!this.#isItsTurn(++this.matches - this.#after)) return false;
    if (this.fired >= this.#times) return false;
    // Drawn for those matches only that would fire otherwise, and not at all where nothing is left to chance.
    if (this.#probability < 1 && !this.#random.chance(this.#probability)) return false;
    this.fired++;
    return true;
  }

  /** `<id> matches=<n> fired=<n> <rule>` */
  toString(): string {
    const code = this.#when === undefined ? '' : ' (when: a function)';
    return `${this.id} matches=${this.matches} fired=${this.fired} ${ruleText(withoutId(this.rule))}${code}`;
  }

  /** `match` counts from 1, behind those that are skipped. */
  #isItsTurn(match: number): boolean {
    if (match <= 0) return false;
    return this.#nth === 0 ? match % this.#every === 0 : match === this.#nth;
  }
}

/** A rule as words would give it that come at the place its id says. */
export function withoutId(rule: ChaosRule): ChaosRule {
  const { id: _id, ...rest } = rule;
  return rest;
}
