import { Random } from '@interposer/core';

/** The stream of what is no rule's: ids of rules begin at 1. */
export const OWN_STREAM = 0;

/**
 * A stream of random numbers of its own for each rule, so that what one rule draws makes no difference to another. The seed
 * and the id are mixed as in the last steps of MurmurHash3, for streams of neighbours must have nothing in common.
 */
export function streamOf(seed: number, id: number): Random {
  let mixed = Math.imul(seed ^ Math.imul(id + 1, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return new Random(mixed ^ (mixed >>> 16));
}
