import { Random } from '@interposer/core';
import type { Epoch } from './history.ts';
import type { LogWrite } from './log-write.ts';
import { inOrder, type Piece, type Selection, selectionKey, whole } from './selection.ts';
import type { Tear, Tears } from './tears.ts';

/** An epoch with what may happen to each of its writes. */
export interface Choices {
  readonly epoch: Epoch;
  readonly tears: ReadonlyMap<LogWrite, Tears>;
  /** Up to so many loose writes, all subsets of them are made. */
  readonly exhaustive: number;
  /** Up to so many states, all are made. */
  readonly most: number;
  readonly seed: number;
}

/** A random draw that finds nothing new so often in a row is the last one. */
const PATIENCE = 1000;

/** How much of what is kept is torn in random subsets with tears. */
const TORN_SHARE = 0.2;

/** From so many writes on, those that are tried first are drawn. */
const MANY = 16;

/** How many selections an epoch has: any tear counts, also those that are not tried. May be infinite. */
export function spaceOf({ epoch, tears }: Choices): number {
  return count(epoch, (write) => tears.get(write)!.space);
}

/** How many of them are made where the bound allows it: those with tears that are tried. May be infinite. */
export function triedOf({ epoch, tears }: Choices): number {
  return count(epoch, (write) => tears.get(write)!.tears.length);
}

function count({ fua, loose }: Epoch, tears: (write: LogWrite) => number): number {
  const chain = fua.reduce((sum, write) => sum + 1 + tears(write), 0);
  return chain + loose.reduce((product, write) => product * (2 + tears(write)), 1);
}

/**
 * What a crash may keep of an epoch. Of writes with FUA the log has the order in which they became stable, of the others and of
 * discards, the loose ones, only that they ended before the flush that covers them. So a crash keeps either the first few
 * writes with FUA, perhaps a part of the next one, and no loose write, under the promises that were marked before that next one;
 * or all writes with FUA and of each loose one all, nothing or a part, under all promises of the epoch. The first is the disk
 * whose cache wrote out nothing, the second the disk just before the flush ended: both could have been. That some loose writes
 * were there with some of those with FUA could have been too, but the log does not say of which ones.
 *
 * Each selection comes once, those first that find bugs most often. Ends when there is no more, or when random draws find
 * nothing new. The same choices give the same selections in the same order.
 */
export function* selections(choices: Choices): Generator<Selection> {
  const known = new Set<string>();
  const drawing = triedOf(choices) > choices.most;
  let vain = 0;
  for (const selection of candidates(choices)) {
    const key = selectionKey(selection);
    if (known.has(key)) {
      if (drawing && ++vain === PATIENCE) return;
      continue;
    }
    vain = 0;
    known.add(key);
    yield selection;
  }
}

function* candidates(choices: Choices): Generator<Selection> {
  const { epoch, exhaustive, seed } = choices;
  const { loose } = epoch;
  const random = new Random(seed + epoch.number);
  // First, for the end of the epoch before is known to be looked at with it.
  yield atFua(epoch, 0);
  yield afterFua(epoch, []);
  yield afterFua(epoch, loose.map(whole));
  const likely = [
    prefixes(epoch, random),
    eachAlone(epoch, random),
    eachMissing(epoch, random),
    torn(choices, random),
    fuaChain(choices),
  ];
  if (triedOf(choices) <= choices.most) {
    yield* takingTurns(likely);
    yield* product(choices);
    return;
  }
  const rest = loose.length <= exhaustive ? subsets(epoch) : drawn(choices, random, 0);
  yield* takingTurns([...likely, rest, drawn(choices, random, TORN_SHARE)]);
}

/** The first writes with FUA are there, perhaps a part of the next one, and nothing else. */
export function atFua(
  { fua, promised, promisedBefore }: Epoch,
  kept: number,
  tear: Tear | null = null,
): Selection {
  const pieces = fua.slice(0, kept).map(whole);
  if (tear !== null) pieces.push({ write: fua[kept]!, tear });
  return { pieces, promised: promisedBefore[kept] ?? promised };
}

/** All writes with FUA are there, and some pieces of the others. */
export function afterFua({ fua, promised }: Epoch, pieces: readonly Piece[]): Selection {
  return { pieces: inOrder([...fua.map(whole), ...pieces]), promised };
}

function* prefixes(epoch: Epoch, random: Random): Generator<Selection> {
  for (const index of someOrder(epoch.loose.length, random))
    yield afterFua(epoch, epoch.loose.slice(0, index).map(whole));
}

function* eachAlone(epoch: Epoch, random: Random): Generator<Selection> {
  for (const index of someOrder(epoch.loose.length, random))
    yield afterFua(epoch, [whole(epoch.loose[index]!)]);
}

function* eachMissing(epoch: Epoch, random: Random): Generator<Selection> {
  for (const index of someOrder(epoch.loose.length, random))
    yield afterFua(epoch, epoch.loose.toSpliced(index, 1).map(whole));
}

/** One write torn: on top of those before it, of all others, of nothing. */
function* torn({ epoch, tears }: Choices, random: Random): Generator<Selection> {
  const { loose } = epoch;
  const left = someOrder(loose.length, random).map((index) => ({
    index,
    its: tears.get(loose[index]!)!.tears,
  }));
  const longest = left.reduce((most, { its }) => Math.max(most, its.length), 0);
  for (let number = 0; number < longest; number++) {
    for (const { index, its } of left) {
      const tear = its[number];
      if (tear === undefined) continue;
      const piece = { write: loose[index]!, tear };
      const before = loose.slice(0, index).map(whole);
      yield afterFua(epoch, [...before, piece]);
      yield afterFua(epoch, [...before, piece, ...loose.slice(index + 1).map(whole)]);
      yield afterFua(epoch, [piece]);
    }
  }
}

/** Later ones first: more was promised there. */
function* fuaChain({ epoch, tears }: Choices): Generator<Selection> {
  for (let kept = epoch.fua.length - 1; kept >= 0; kept--) {
    yield atFua(epoch, kept);
    for (const tear of tears.get(epoch.fua[kept]!)!.tears) yield atFua(epoch, kept, tear);
  }
}

function* subsets(epoch: Epoch): Generator<Selection> {
  const { loose } = epoch;
  for (let mask = 0; mask < 2 ** loose.length; mask++)
    yield afterFua(epoch, loose.filter((_, index) => Math.floor(mask / 2 ** index) % 2 === 1).map(whole));
}

/** Random subsets without end; so much of what is kept is torn, 0 to 1. */
function* drawn({ epoch, tears }: Choices, random: Random, share: number): Generator<Selection> {
  for (;;) {
    // Now nearly all, now nearly nothing.
    const density = random.next();
    const pieces = epoch.loose
      .filter(() => random.chance(density))
      .map((write): Piece => {
        const its = tears.get(write)!.tears;
        return its.length > 0 && random.chance(share) ? { write, tear: random.pick(its) } : whole(write);
      });
    yield afterFua(epoch, pieces);
  }
}

/** Every loose write absent, whole and torn in each way, with every other. */
function* product({ epoch, tears }: Choices): Generator<Selection> {
  const { loose } = epoch;
  const options = loose.map((write): (Piece | null)[] => [
    null,
    whole(write),
    ...tears.get(write)!.tears.map((tear) => ({ write, tear })),
  ]);
  const chosen = options.map(() => 0);
  do {
    const pieces = chosen.map((choice, index) => options[index]![choice] ?? null);
    yield afterFua(
      epoch,
      pieces.filter((piece) => piece !== null),
    );
  } while (countUp(chosen, options));
}

/** The next combination of choices; false behind the last one. */
function countUp(chosen: number[], options: readonly (readonly unknown[])[]): boolean {
  for (const [place, choice] of chosen.entries()) {
    const next = choice + 1;
    chosen[place] = next < options[place]!.length ? next : 0;
    if (next < options[place]!.length) return true;
  }
  return false;
}

/** One of each in turn, until all are done. */
function* takingTurns(families: Generator<Selection>[]): Generator<Selection> {
  let left = families;
  while (left.length > 0) {
    const going: Generator<Selection>[] = [];
    for (const family of left) {
      const next = family.next();
      if (next.done === true) continue;
      going.push(family);
      yield next.value;
    }
    left = going;
  }
}

/** The numbers below a bound, from the last down; many of them in random order, for a bound to leave out any. */
function someOrder(bound: number, random: Random): number[] {
  const numbers = Array.from({ length: bound }, (_, index) => bound - 1 - index);
  if (bound < MANY) return numbers;
  for (let index = bound - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [numbers[index], numbers[other]] = [numbers[other]!, numbers[index]!];
  }
  return numbers;
}
