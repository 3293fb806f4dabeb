import type { Filter, FilterContext, FilterType } from '@interposer/core';
import type { ChaosRule } from './rule.ts';

/**
 * A chaos filter at work, for a program that holds it: what its messages do, at once and without words. Rules that come by it
 * may ask predicates; those that do are in no table, for there are no words for them.
 */
export interface ChaosFilter extends Filter {
  /** Adds a rule behind the others or in front of them; answers its id. EINVAL, EEXIST, ENOMEM. */
  add(rule: ChaosRule, place?: 'first' | 'last'): number;
  /** Takes a rule out; what it holds stays held. ENOENT; EINVAL for a rule of the filter type. */
  remove(id: number): void;
  /** How often a rule fired. ENOENT. */
  fired(id: number): number;
  /** How many requests are held at a tag: that of a breakpoint, `stall` or `delay`; without one, at any. */
  heldAt(tag?: string): number;
  /** Lets go of what is held at a tag, oldest first, all or so many; without a tag, at any. Answers how many it were. */
  resumeHeld(tag?: string, most?: number): number;
  /** The same, but they fail: with EIO or another errno, by name or number. EINVAL for what is none. */
  failHeld(tag?: string, code?: string | number): number;
  /** Resolves with the number of requests held at a tag when there are so many, 1 by default. ESHUTDOWN if the filter goes first. */
  wait(tag: string, count?: number): Promise<number>;
}

/** A type of chaos filter: that what it attaches is one is known. */
export interface ChaosType extends FilterType {
  attach(context: FilterContext, args: Readonly<Record<string, unknown>>): ChaosFilter;
}
