import { type Bio, type Clock, fail, OP_COUNT, type Random, SEEDS } from '@interposer/core';
import { ActiveRule, type Moment, withoutId } from './active-rule.ts';
import { MAX_ID, OPS } from './conditions.ts';
import { makeEffect } from './effects/make.ts';
import type { Surroundings } from './effects/effect.ts';
import { MOST_RULES, ruleText } from './grammar.ts';
import { RequestView } from './request-view.ts';
import type { ChaosAction, ChaosRule } from './rule.ts';
import { OWN_STREAM, streamOf } from './streams.ts';

/** The rules of one filter, in their order, with the state that they are in and all that makes a run what it is. */
export class RuleSet implements Moment {
  readonly view: RequestView = new RequestView();
  /** Requests for which a rule fired, of those too that are gone. */
  fired = 0;
  state: string;
  time = 0;
  readonly #clock: Clock;
  readonly #surroundings: Surroundings;
  readonly #firstState: string;
  #seed: number;
  /** For what is no rule's. */
  #ownRandom: Random;
  #start: number;
  #rules: readonly ActiveRule[] = [];
  /** The rules that look at requests of each operation. Replaced as a whole. */
  #byOp: readonly (readonly ActiveRule[])[] = [];
  #looksAtTime: readonly boolean[] = [];

  constructor(start: { seed: number; state: string }, clock: Clock, surroundings: Surroundings) {
    this.state = start.state;
    this.#firstState = start.state;
    this.#seed = start.seed;
    this.#ownRandom = streamOf(start.seed, OWN_STREAM);
    this.#clock = clock;
    this.#surroundings = surroundings;
    this.#start = clock.now();
    this.#put([]);
  }

  get all(): readonly ActiveRule[] {
    return this.#rules;
  }

  get seed(): number {
    return this.#seed;
  }

  /** A seed for what somebody asks for by message. */
  nextSeed(): number {
    return this.#ownRandom.below(SEEDS);
  }

  /** Whether any rule does one of some things. */
  does(...kinds: readonly ChaosAction['kind'][]): boolean {
    return this.#rules.some(({ rule }) => kinds.includes(rule.action.kind));
  }

  /** The first rule that fires for a request and does more than `next`; null: none. */
  decide(bio: Bio): ActiveRule | null {
    const rules = this.#byOp[bio.op]!;
    if (this.#looksAtTime[bio.op]!) this.time = this.#clock.now() - this.#start;
    for (const active of rules) {
      if (!active.fires(bio, this)) continue;
      const { action, newState } = active.rule;
      if (newState !== undefined) this.state = newState;
      this.fired++;
      if (action.kind !== 'next') return active;
    }
    return null;
  }

  /**
   * Puts rules behind those there are, or in front of them; answers their ids. `isOwn`: they are part of the filter type.
   * EEXIST for an id that is taken, ENOMEM for too many.
   */
  add(
    rules: readonly ChaosRule[],
    how: { readonly isOwn?: boolean; readonly place?: 'first' | 'last' } = {},
  ): number[] {
    const { isOwn = false, place = 'last' } = how;
    if (this.#rules.length + rules.length > MOST_RULES)
      throw fail('ENOMEM', `filter chaos: at most ${MOST_RULES} rules`);
    const added: ActiveRule[] = [];
    for (const rule of rules) added.push(this.#activate(rule, isOwn, this.#newId(rule, added)));
    this.#put(place === 'last' ? [...this.#rules, ...added] : [...added, ...this.#rules]);
    return added.map(({ id }) => id);
  }

  /** Takes a rule out, or with `all` every one that is not part of the type. ENOENT; EINVAL for one that is. */
  remove(id: number | 'all'): void {
    if (id !== 'all') this.#checkRemovable(id);
    this.#put(this.#rules.filter((active) => (id === 'all' ? active.isOwn : active.id !== id)));
  }

  /** Counters, state, streams and time are those of the start, with another seed if one is given. */
  reset(seed: number = this.#seed): void {
    this.#seed = seed;
    this.#ownRandom = streamOf(seed, OWN_STREAM);
    this.fired = 0;
    this.state = this.#firstState;
    this.#start = this.#clock.now();
    this.#put(this.#rules.map(({ rule, isOwn, id }) => this.#activate(rule, isOwn, id)));
  }

  /**
   * The words of each rule that is not part of the type and has words, which predicates have not. An id is said where the
   * rule would not get it by itself.
   */
  get words(): string[] {
    let highest = Math.max(0, ...this.#rules.filter(({ isOwn }) => isOwn).map(({ id }) => id));
    const words: string[] = [];
    for (const { rule, id, isOwn } of this.#rules) {
      if (isOwn || rule.when !== undefined) continue;
      words.push(ruleText(id === highest + 1 ? withoutId(rule) : { ...rule, id }));
      highest = Math.max(highest, id);
    }
    return words;
  }

  #activate(rule: ChaosRule, isOwn: boolean, id: number): ActiveRule {
    const random = streamOf(this.#seed, id);
    const effect = makeEffect(rule.action, { ...this.#surroundings, random });
    return new ActiveRule(rule, { id, isOwn, effect, random });
  }

  #newId({ id }: ChaosRule, added: readonly ActiveRule[]): number {
    const others = [...this.#rules, ...added].map((active) => active.id);
    if (id === undefined) {
      const next = Math.max(0, ...others) + 1;
      if (next > MAX_ID)
        throw fail('ENOMEM', `filter chaos: ids end at ${MAX_ID}: say id=<n>, one that is free`);
      return next;
    }
    if (others.includes(id)) throw fail('EEXIST', `filter chaos: there is a rule ${id} already`);
    return id;
  }

  /** ENOENT. */
  find(id: number): ActiveRule {
    const found = this.#rules.find((active) => active.id === id);
    const known = this.#rules.map((active) => active.id).join(', ');
    if (found === undefined)
      throw fail(
        'ENOENT',
        `filter chaos: there is no rule ${id}; ${known === '' ? 'there are none' : `rules: ${known}`}`,
      );
    return found;
  }

  #checkRemovable(id: number): void {
    if (this.find(id).isOwn)
      throw fail(
        'EINVAL',
        `filter chaos: rule ${id} is part of the filter type: give it a state, and leave that`,
      );
  }

  #put(rules: readonly ActiveRule[]): void {
    this.#rules = rules;
    this.#byOp = Array.from({ length: OP_COUNT }, (_, op) =>
      rules.filter(({ rule: { on } }) => on.includes('any') || on.includes(OPS[op]!)),
    );
    this.#looksAtTime = this.#byOp.map((some) => some.some(({ looksAtTime }) => looksAtTime));
  }
}
