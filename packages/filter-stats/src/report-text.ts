import { OP_NAMES, SECTOR_SIZE } from '@interposer/core';
import type { OperationStats } from './operation-stats.ts';
import { PERCENTILES } from './percentiles.ts';
import type { Statistics } from './statistics.ts';
import { columns, durationText, percentageText, rangeText } from './text.ts';

/** An operation that was used, with its name. */
type Used = readonly [name: string, stats: OperationStats];

/** Counts, latencies and sizes as tables for people. Operations that were not used are left out. */
export function reportText({ device, milliseconds, operations, fuaWrites }: Statistics): string {
  const title = `${device}: ${(milliseconds / 1000).toFixed(3)} s`;
  const used = operations
    .map((stats, op): Used => [OP_NAMES[op]!, stats])
    .filter(([, { bios, inFlight }]) => bios + inFlight > 0);
  if (used.length === 0) return `${title}, no bios`;
  const parts = [title, countsTable(used), `FUA writes: ${String(fuaWrites)}`];
  const ended = used.filter(([, { bios }]) => bios > 0);
  if (ended.length > 0) parts.push(latencyTable(ended));
  const sized = ended.filter(([, { sectors }]) => sectors > 0);
  if (sized.length > 0) parts.push(sizeTable(sized));
  return parts.join('\n\n');
}

function countsTable(used: readonly Used[]): string {
  const head = ['counts', 'bios', 'sectors', 'bytes', 'errors', 'sequential', 'in flight', 'at most'];
  const rows = used.map(([name, stats]) => [
    name,
    String(stats.bios),
    String(stats.sectors),
    String(stats.sectors * SECTOR_SIZE),
    String(stats.errors),
    percentageText(stats.sequential, stats.bios),
    String(stats.inFlight),
    String(stats.mostInFlight),
  ]);
  return columns([head, ...rows]);
}

function latencyTable(ended: readonly Used[]): string {
  const head = ['latency', 'mean', ...PERCENTILES.map(([name]) => name), 'max'];
  const rows = ended.map(([name, { latency }]) => [
    name,
    durationText(latency.mean),
    ...PERCENTILES.map(([, perMille]) => durationText(latency.percentile(perMille))),
    durationText(latency.longest),
  ]);
  return columns([head, ...rows]);
}

/** A row for each size that some operation has, a column for each operation. */
function sizeTable(sized: readonly Used[]): string {
  const buckets = sized.map(([, { sizes }]) => sizes.buckets());
  const ranges = new Map(buckets.flat().map(({ least, most }) => [least, most]));
  const rows = [...ranges]
    .sort(([a], [b]) => a - b)
    .map(([least, most]) => [
      rangeText(least, most),
      ...buckets.map((own) => String(own.find((bucket) => bucket.least === least)?.bios ?? 0)),
    ]);
  return columns([['sectors', ...sized.map(([name]) => name)], ...rows]);
}
