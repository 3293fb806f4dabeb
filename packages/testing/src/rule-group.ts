import { type Bio, type Filter, PreResult } from '@interposer/core';
import type { ChaosRule } from '@interposer/filter-chaos';

/** Rules of chaos that came together, at work: a filter of their own, which counts for itself. */
export class RuleGroup {
  /** Of chaos. */
  readonly filter: Filter;
  /** How often its rules can fire, all together. */
  readonly #most: number;
  readonly #keepsHistory: boolean;

  constructor(filter: Filter, rules: readonly ChaosRule[]) {
    this.filter = filter;
    this.#keepsHistory = rules.some(({ action }) => action.kind === 'stale');
    this.#most = rules.reduce((sum, { times = Infinity }) => sum + times, 0);
  }

  /** Whether it keeps what writes overwrite, for reads of its rules to return: it has each of them for a while. */
  get keepsHistory(): boolean {
    return this.#keepsHistory;
  }

  /** Requests for which a rule fired. */
  get fired(): number {
    return this.#number('fired');
  }

  /** Requests that are held back. */
  get held(): number {
    return this.#number('held');
  }

  /** Whether it will never do anything again. */
  get isSpent(): boolean {
    return this.#most < Infinity && this.fired >= this.#most && this.held === 0;
  }

  /** The answer of a filter's `pre`; undefined where the request is none of its business. */
  decide(bio: Bio): PreResult | undefined {
    const { depth, sector } = bio;
    const verdict = this.filter.pre(bio);
    // What goes on may do so with other data or a frame that sees to it, or to another place.
    const isAltered = bio.depth !== depth || bio.sector !== sector;
    return verdict === PreResult.Pass && !isAltered ? undefined : verdict;
  }

  /** Resolves when so many requests are held by `stall`. Rejects with ESHUTDOWN when the disk is closed before. */
  async waiting(count: number): Promise<void> {
    await this.#tell('wait', 'stall', String(count));
  }

  /** What is held goes on. */
  resume(): void {
    void this.#tell('resume', 'all');
  }

  /** What is held fails with EIO. */
  async failHeld(): Promise<void> {
    // The power of the rules' own disk, which nothing else depends on: its cache is never used.
    await this.#tell('power-cut');
    await this.#tell('power-on');
  }

  #tell(...words: readonly string[]): string | Promise<string> {
    return this.filter.message!(words);
  }

  /** From a status such as `seed=7 state=start fired=3 held=0 power=on`. */
  #number(name: string): number {
    return Number(new RegExp(`\\b${name}=(\\d+)`).exec(this.filter.status!())?.[1]);
  }
}
