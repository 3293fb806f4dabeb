import {
  ALL_OPS,
  type Bio,
  defineFilter,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  type Limits,
  PreResult,
  type Random,
  SEEDS,
  Status,
} from '@interposer/core';
import { type ChaosRule, defineChaos } from '@interposer/filter-chaos';
import { RuleGroup } from './rule-group.ts';

/** What rules may do on a disk that has a cache and a power switch of its own. */
const NOT_HERE: readonly string[] = ['cache', 'power-cut'];

/**
 * The faults of a disk, and its power switch. Faults are groups of rules, each a chaos filter of its own, that come and go
 * without an edit of the device, which would let go of what they hold. A request meets the latest group first, and the first
 * group that does something to it has it. The one that keeps what writes overwrite comes last, for it has every write.
 */
export class FaultLayer implements Filter {
  /** To attach it by. */
  readonly type: FilterType = defineFilter({
    name: 'faults',
    version: [1, 0, 0],
    altitude: '170000',
    ops: ALL_OPS,
    params: [],
    attach: (context) => {
      this.#context = context;
      return this;
    },
  });
  /** The power is off: every request that comes fails with EIO. */
  isOff = false;
  readonly #random: Random;
  #context: FilterContext | null = null;
  /** The latest first. Replaced as a whole, for it may change while a request goes through. */
  #groups: readonly RuleGroup[] = [];

  /** The random numbers give each group its seed. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** EINVAL for rules that cannot be, EBUSY for a second fault that does `stale`, ESHUTDOWN when the disk is closed. */
  add(rules: readonly ChaosRule[]): RuleGroup {
    const context = this.#open();
    this.#checkHistory(rules);
    const bad = rules.find(({ action }) => NOT_HERE.includes(action.kind));
    if (bad !== undefined) {
      const instead = bad.action.kind === 'cache' ? 'it has one: see the option cache' : 'use powerCut()';
      throw fail('EINVAL', `the rules of this disk cannot do ${bad.action.kind}: ${instead}`);
    }
    const filter = defineChaos({ seed: this.#random.below(SEEDS), rules }).attach(context, { rules: [] });
    if (filter instanceof Promise) throw new TypeError('chaos is attached at once');
    const group = new RuleGroup(filter, rules);
    const others = this.#groups.filter((other) => !other.isSpent);
    this.#put(group.keepsHistory ? [...others, group] : [group, ...others]);
    return group;
  }

  /** What the group holds goes on. */
  remove(group: RuleGroup): void {
    if (!this.#groups.includes(group)) return;
    this.#put(this.#groups.filter((other) => other !== group));
    group.resume();
    void group.filter.detach?.();
  }

  /** Everything that is held fails with EIO. */
  async failHeld(): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.failHeld()));
  }

  pre(bio: Bio): PreResult {
    if (this.isOff) {
      bio.result = Status.Io;
      return PreResult.Complete;
    }
    for (const group of this.#groups) {
      const verdict = group.decide(bio);
      if (verdict !== undefined) return verdict;
    }
    return PreResult.Pass;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return this.#groups
      .reduceRight<ExtentSource>((source, group) => through(group.filter, source), below)
      .extents(sector, count);
  }

  limits(below: Limits): Limits {
    return this.#groups.reduceRight((limits, { filter }) => filter.limits?.(limits) ?? limits, below);
  }

  table(): string {
    return '';
  }

  status(): string {
    return this.#groups.map(({ filter }) => filter.status?.() ?? '').join('; ');
  }

  presuspend(): void {
    for (const { filter } of this.#groups) filter.presuspend?.();
  }

  resume(): void {
    for (const { filter } of this.#groups) filter.resume?.();
  }

  detach(): void {
    this.#context = null;
    for (const { filter } of this.#groups) void filter.detach?.();
  }

  #checkHistory(rules: readonly ChaosRule[]): void {
    const isTaken = this.#groups.some((group) => group.keepsHistory && !group.isSpent);
    if (isTaken && rules.some(({ action }) => action.kind === 'stale'))
      throw fail('EBUSY', 'one fault at a time can do stale: give it all the rules, or remove the other');
  }

  #open(): FilterContext {
    if (this.#context === null) throw fail('ESHUTDOWN', 'the disk is closed');
    return this.#context;
  }

  #put(groups: readonly RuleGroup[]): void {
    this.#groups = groups;
    this.#context?.port.device.restack();
  }
}

function through(filter: Filter, below: ExtentSource): ExtentSource {
  return {
    extents: (sector, count) => filter.extents?.(below, sector, count) ?? below.extents(sector, count),
  };
}
