import type { Heat } from './heat.ts';
import type { Statistics } from './statistics.ts';
import { columns, rangeText } from './text.ts';

const BAR_LENGTH = 40;

/** A row for each area that was read or written, with a bar that compares it to the hottest. */
export function heatText({ device, heat }: Statistics): string {
  const { areaSectors, reads, writes } = heat;
  const totals = reads.map((count, area) => count + writes[area]!);
  const hottest = totals.reduce((most, total) => Math.max(most, total), 0);
  const touched = [...totals.keys()].filter((area) => totals[area]! > 0);
  const title = `${device}: ${String(touched.length)} of ${String(totals.length)} areas of ${String(areaSectors)} sectors were used`;
  if (touched.length === 0) return title;
  const rows = touched.map((area) => [
    rangeText(area * areaSectors, lastSector(heat, area)),
    String(reads[area]),
    String(writes[area]),
    // Aligned to the left, as a bar must be.
    '#'.repeat(Math.ceil((totals[area]! / hottest) * BAR_LENGTH)).padEnd(BAR_LENGTH),
  ]);
  return `${title}\n\n${columns([['sectors', 'reads', 'writes', ''], ...rows])}`;
}

function lastSector({ sectors, areaSectors }: Heat, area: number): number {
  return Math.min((area + 1) * areaSectors, sectors) - 1;
}
