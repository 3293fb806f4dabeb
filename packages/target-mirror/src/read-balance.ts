import type { Legs } from './legs.ts';

/** There is no leg to read from. */
export const NO_LEG = -1;

/**
 * The leg for a read of a region in sync. Where no write is under way, any leg on which nothing failed will do, and the one
 * with the fewest reads gets it, the default leg if there is no difference; so single reads go where the kernel sends them.
 * With writes under way it is the default leg: else two reads, one after the other, could see the write and then not see it.
 */
export function chooseLeg(legs: Legs, mayBalance: boolean): number {
  const { first, reads } = legs;
  if (!legs.isAlive(first)) return otherLeg(legs);
  if (!mayBalance || reads[first] === 0) return first;
  let chosen = first;
  for (let index = 0; index < reads.length; index++) {
    if (reads[index]! < reads[chosen]! && legs.isAlive(index)) chosen = index;
  }
  return chosen;
}

/** The next leg before the default one on which nothing failed, round and round. Kernel: choose_mirror. */
function otherLeg(legs: Legs): number {
  const { length } = legs.all;
  for (let step = 1; step < length; step++) {
    const index = (legs.first - step + length) % length;
    if (legs.isAlive(index)) return index;
  }
  return NO_LEG;
}
