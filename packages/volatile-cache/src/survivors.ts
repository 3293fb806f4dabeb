import { type Random, SECTOR_SIZE } from '@interposer/core';
import type { CacheRecord } from './record.ts';
import type { Store } from './store.ts';

/** What becomes of the records in a power cut. */
export interface CutOptions {
  /** Where chance comes from: the same history and the same numbers leave the same survivors. */
  readonly random: Random;
  /** The share of the records that survive, 0 to 1. */
  readonly keep: number;
  /** The share of the survivors of which only a part survives, 0 to 1. */
  readonly torn: number;
  /** Bytes that are never torn: a power of two, at least 512. They are aligned on the disk. */
  readonly unit: number;
  /**
   * `any`: each record has its own fate, so later ones may survive earlier ones. `prefix`: all before a random point in the
   * order of arrival survive, and none after it.
   */
  readonly order: 'any' | 'prefix';
}

/** How many records survived a power cut, survived in part, and are lost. */
export interface CutReport {
  readonly kept: number;
  readonly torn: number;
  readonly lost: number;
}

/** Takes a part of a record, in sectors, that survives. */
export type Keep = (record: CacheRecord, start: number, end: number) => void;

/** Of more units than this no arbitrary set is kept, but a part from one end: they are of a discard or of zeroes. */
const MOST_COINS = 2 ** 16;

/** Decides what survives; `keep` gets it in the order of arrival. What is below already survives in any case. */
export function chooseSurvivors(store: Store, options: CutOptions, keep: Keep): CutReport {
  const records: CacheRecord[] = [];
  for (let record = store.records.head; record !== null; record = record.next)
    if (!store.isVoid(record)) records.push(record);
  const point = options.order === 'prefix' ? pointIn(records, options) : 0;
  const report = { kept: 0, torn: 0, lost: 0 };
  for (const [index, record] of records.entries()) {
    const fate =
      options.order === 'prefix' ? fateAt(index - point, record, options) : fateOf(record, options);
    report[fate]++;
    if (fate === 'kept') keep(record, record.sector, record.end);
    else if (fate === 'torn') tear(record, options, keep);
  }
  return report;
}

function fateOf(record: CacheRecord, options: CutOptions): keyof CutReport {
  if (record.landed) return 'kept';
  if (!options.random.chance(options.keep)) return 'lost';
  return isTorn(record, options) ? 'torn' : 'kept';
}

function fateAt(place: number, record: CacheRecord, options: CutOptions): keyof CutReport {
  if (place !== 0) return place < 0 ? 'kept' : 'lost';
  return isTorn(record, options) ? 'torn' : 'lost';
}

function isTorn(record: CacheRecord, { random, torn, unit }: CutOptions): boolean {
  const isLarge = unitsOf(record, unit / SECTOR_SIZE) > 1;
  return isLarge && random.chance(torn);
}

/** How many records survive a cut in order: none that is below already may be among the others. */
function pointIn(records: readonly CacheRecord[], { random, keep }: CutOptions): number {
  // The mean of this power of a uniform number is `keep`: at 0.5 the point may be anywhere.
  const share = random.next() ** ((1 - keep) / keep);
  const point = Math.min(Math.floor(share * (records.length + 1)), records.length);
  return Math.max(point, records.findLastIndex(({ landed }) => landed) + 1);
}

function unitsOf({ sector, end }: CacheRecord, unit: number): number {
  return Math.ceil(end / unit) - Math.floor(sector / unit);
}

/** Keeps a part of a record of several units: its beginning, its end, or any units; never none, never all. */
function tear(record: CacheRecord, { random, unit }: CutOptions, keep: Keep): void {
  const sectors = unit / SECTOR_SIZE;
  const units = unitsOf(record, sectors);
  const first = Math.floor(record.sector / sectors);
  const keepUnits = (from: number, to: number): void => {
    const start = Math.max(record.sector, (first + from) * sectors);
    keep(record, start, Math.min(record.end, (first + to) * sectors));
  };
  const way = random.below(units > MOST_COINS ? 2 : 3);
  const cut = random.between(1, units - 1);
  if (way === 0) keepUnits(0, cut);
  else if (way === 1) keepUnits(cut, units);
  else keepAny(units, random, keepUnits);
}

/** Tosses a coin for each unit, but one that is kept and one that is lost. */
function keepAny(units: number, random: Random, keepUnits: (from: number, to: number) => void): void {
  const kept = random.below(units);
  const lost = (kept + random.between(1, units - 1)) % units;
  let from = -1;
  for (let unit = 0; unit <= units; unit++) {
    const isKept = unit < units && (unit === kept || (random.chance(0.5) && unit !== lost));
    if (isKept && from < 0) from = unit;
    if (isKept || from < 0) continue;
    keepUnits(from, unit);
    from = -1;
  }
}
