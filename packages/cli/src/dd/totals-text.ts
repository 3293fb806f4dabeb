import type { Totals } from './copy.ts';

/** The lines that GNU dd ends with. */
export function totalsText(totals: Totals, seconds: number, withTransfer: boolean): string {
  const { fullIn, partIn, fullOut, partOut, bytes } = totals;
  const records = `${String(fullIn)}+${String(partIn)} records in\n${String(fullOut)}+${String(partOut)} records out\n`;
  if (!withTransfer) return records;
  const speed = seconds === 0 ? 'Infinity B' : human(bytes / seconds, 1000, DECIMAL);
  return `${records}${amount(bytes)} copied, ${precise(seconds)} s, ${speed}/s\n`;
}

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Small amounts are said once, larger ones in both kinds of units too. */
function amount(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < 1000) return `${String(bytes)} bytes`;
  const decimal = human(bytes, 1000, DECIMAL);
  return `${String(bytes)} bytes (${bytes < 1024 ? decimal : `${decimal}, ${human(bytes, 1024, BINARY)}`})`;
}

/** One digit behind the point below 10, none from there on. */
function human(value: number, base: number, units: readonly string[]): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= base && unit < units.length - 1) {
    scaled /= base;
    unit++;
  }
  const text = unit === 0 || scaled >= 9.95 ? String(Math.round(scaled)) : scaled.toFixed(1);
  return `${text} ${units[unit]!}`;
}

/** As printf's %g: six digits that count. */
function precise(seconds: number): string {
  return String(Number(seconds.toPrecision(6)));
}
