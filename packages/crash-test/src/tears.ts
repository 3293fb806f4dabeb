import { type Random, SECTOR_SIZE } from '@interposer/core';
import type { LogWrite } from './log-write.ts';

/** What of a torn write is kept: runs in sectors from its start, in order, neither nothing nor all of it. */
export type Tear = readonly (readonly [from: number, to: number])[];

/** The tears of a write that are tried. */
export interface Tears {
  readonly tears: readonly Tear[];
  /** How many there are: one less than two for each subset of its units. May be infinite. */
  readonly space: number;
}

/** Up to so many units, every subset of them is a tear that is tried. */
const FEW_UNITS = 4;

/** Of a write of more units, it is cut in two at so many places at most. */
const MOST_CUTS = 8;

/**
 * The tears of a write for a disk that writes blocks of `unit` bytes whole. A write of few units: each subset of them. One of
 * more: a first part of it or the rest, cut everywhere, or at the first, at the last and at some random places.
 */
export function tearsOf(write: LogWrite, unit: number, random: Random): Tears {
  const block = unit / SECTOR_SIZE;
  const lead = block - (write.sector % block);
  const units = write.count <= lead ? 1 : 1 + Math.ceil((write.count - lead) / block);
  /** Where a unit begins, from the start of the write. */
  const startOf = (index: number): number =>
    index === 0 ? 0 : Math.min(write.count, lead + (index - 1) * block);
  const tears = units <= FEW_UNITS ? subsets(units, startOf) : cuts(units, startOf, write.count, random);
  return { tears, space: 2 ** units - 2 };
}

function subsets(units: number, startOf: (index: number) => number): Tear[] {
  const tears: Tear[] = [];
  for (let mask = 1; mask < 2 ** units - 1; mask++) {
    const runs: [number, number][] = [];
    for (let index = 0; index < units; index++) {
      if (((mask >> index) & 1) === 0) continue;
      const last = runs.at(-1);
      if (last?.[1] === startOf(index)) last[1] = startOf(index + 1);
      else runs.push([startOf(index), startOf(index + 1)]);
    }
    tears.push(runs);
  }
  return tears;
}

function cuts(units: number, startOf: (index: number) => number, count: number, random: Random): Tear[] {
  const places = new Set<number>();
  if (units - 1 <= MOST_CUTS) for (let index = 1; index < units; index++) places.add(index);
  else {
    places.add(1).add(units - 1);
    while (places.size < MOST_CUTS) places.add(random.between(2, units - 2));
  }
  return [...places].flatMap((index): Tear[] => [[[0, startOf(index)]], [[startOf(index), count]]]);
}
