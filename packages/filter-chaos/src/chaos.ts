import {
  type Bio,
  dataExtent,
  type Extent,
  type ExtentSource,
  fail,
  type FilterContext,
  type Limits,
  PreResult,
  SEEDS,
  Status,
} from '@interposer/core';
import { VolatileCache } from '@interposer/volatile-cache';
import { AlteredBios } from './altered.ts';
import { Descent } from './descent.ts';
import { checkRule } from './code-rule.ts';
import { errno } from './codecs.ts';
import type { ChaosFilter } from './control.ts';
import { errnoOf } from './errnos.ts';
import { type ChaosArgs, headerText } from './grammar.ts';
import { Holding } from './holding.ts';
import { answerMessage, type Controls } from './messages.ts';
import { Power } from './power.ts';
import type { ChaosRule } from './rule.ts';
import { RuleSet } from './rule-set.ts';

const FIRST_STATE = 'start';

/** Bytes of former contents that are kept for `stale` reads. */
const DEFAULT_HISTORY: number = 16 * 2 ** 20;

/** A seed for who did not say one. It is shown, so that the run can be had again. */
function anySeed(): number {
  return Math.floor(Math.random() * SEEDS);
}

/** One filter on one device. */
export class Chaos implements ChaosFilter, Controls {
  readonly rules: RuleSet;
  readonly holding: Holding;
  readonly power: Power;
  readonly clock: FilterContext['clock'];
  readonly #context: FilterContext;
  readonly #cache: VolatileCache;
  readonly #descent: Descent;
  readonly #history: number | undefined;
  /** Whether those above were told of a volatile cache. */
  #toldOfCache = false;

  /** `own` are the rules of the filter type. */
  constructor(context: FilterContext, args: ChaosArgs, own: readonly ChaosRule[]) {
    const { port, clock, log } = context;
    this.#context = context;
    this.clock = clock;
    this.#history = args.history;
    this.#cache = new VolatileCache({ port, log });
    const descent = new Descent(port, this.#cache);
    this.#descent = descent;
    this.holding = new Holding(clock, (bio) => {
      descent.sendLater(bio);
    });
    this.power = new Power(context, this.#cache, this.holding);
    const { seed = anySeed(), state = FIRST_STATE } = args;
    const { holding, power } = this;
    this.rules = new RuleSet({ seed, state }, clock, {
      port,
      descent,
      holding,
      power,
      altered: new AlteredBios(),
    });
    this.rules.add(own, { isOwn: true });
    this.rules.add(args.rules);
    this.#follow();
  }

  pre(bio: Bio): PreResult {
    if (!this.power.isOn) {
      bio.result = Status.Io;
      return PreResult.Complete;
    }
    const firing = this.rules.decide(bio);
    return firing === null ? this.#descent.send(bio) : firing.effect.apply(bio);
  }

  /** Writes that only the cache has are gone with the power, so frontends have to offer flushes. */
  limits(below: Limits): Limits {
    this.#toldOfCache = this.#mayCache;
    return this.#toldOfCache ? this.#cache.limits(below) : below;
  }

  /** Where reads may return something else than what is there, not even a hole reads as zeroes. */
  async extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    if (this.#altersReads) return [dataExtent(sector, count)];
    return this.#mayCache ? this.#cache.extents(below, sector, count) : below.extents(sector, count);
  }

  /** With the seed and the state that it has now. */
  table(): string {
    const { seed, state, words } = this.rules;
    const header = {
      seed,
      ...(state === FIRST_STATE ? {} : { state }),
      ...(this.#history === undefined ? {} : { history: this.#history }),
    };
    return [headerText(header), ...words].join(' ');
  }

  /** `seed=<n> state=<name> fired=<n> held=<n> power=on|off` */
  status(): string {
    const { seed, state, fired } = this.rules;
    const power = this.power.isOn ? 'on' : 'off';
    return `seed=${seed} state=${state} fired=${fired} held=${this.holding.count} power=${power}`;
  }

  message(words: readonly string[]): string | Promise<string> {
    return answerMessage(this, words);
  }

  /** The rules are others: what depends on all of them. */
  rulesChanged(): void {
    this.#follow();
    const { device } = this.#context.port;
    if (this.#mayCache !== this.#toldOfCache) device.restack();
  }

  add(rule: ChaosRule, place: 'first' | 'last' = 'last'): number {
    const [id] = this.rules.add([checkRule(rule, 'filter chaos: the rule')], { place });
    this.rulesChanged();
    return id!;
  }

  remove(id: number): void {
    this.rules.remove(id);
    this.rulesChanged();
  }

  fired(id: number): number {
    return this.rules.find(id).fired;
  }

  heldAt(tag?: string): number {
    return tag === undefined ? this.holding.count : this.holding.countAt(tag);
  }

  resumeHeld(tag?: string, most?: number): number {
    return this.holding.resume(tag, most);
  }

  failHeld(tag?: string, code: string | number = 'EIO'): number {
    const known = errno.parse(String(code));
    if (known === undefined)
      throw fail('EINVAL', `filter chaos: "${code}" is no errno: must be ${errno.allowed}`);
    return this.holding.fail(tag, errnoOf(known));
  }

  wait(tag: string, count = 1): Promise<number> {
    return this.holding.wait(tag, count);
  }

  queryDetach(): string | undefined {
    return this.#cache.queryDetach();
  }

  /** What is held goes on at once: an edit does not wait for it. */
  presuspend(): void {
    this.holding.letGo();
  }

  resume(): void {
    this.holding.resumeHolding();
    this.#cache.resume();
  }

  /** What only the cache has is written below. */
  predetach(): Promise<void> {
    return this.#cache.predetach();
  }

  detach(): void {
    this.power.close();
    this.holding.close();
    this.#cache.detach();
  }

  #follow(): void {
    this.#descent.usesCache = this.rules.does('cache', 'power-cut');
    this.#descent.keepHistory(this.rules.does('stale') ? (this.#history ?? DEFAULT_HISTORY) : 0);
  }

  get #mayCache(): boolean {
    return this.rules.does('cache') || !this.#cache.isEmpty;
  }

  get #altersReads(): boolean {
    return this.rules.all.some(({ rule: { on, action } }) => {
      const alters = action.kind === 'rot' || action.kind === 'misdirect' || action.kind === 'stale';
      return alters && (on.includes('read') || on.includes('any'));
    });
  }
}
