import { BioFlag, codeOfErrno, ERROR_CODES, OP_NAMES } from '@interposer/core';
import type { BioRecord, TraceHeader, TraceRecord } from '@interposer/filter-trace';

const NANOSECONDS = 1e9;

/** Names of flags, as they stand behind the operation. */
const FLAGS: readonly (readonly [flag: number, name: string])[] = [
  [BioFlag.Fua, 'fua'],
  [BioFlag.Preflush, 'preflush'],
  [BioFlag.NoUnmap, 'no-unmap'],
];

/** Widths of the columns; the last one ends the line. Operation and result stand left, numbers right. */
const COLUMNS = [
  ['TIME', 15],
  ['NUMBER', 10],
  ['OP', -21],
  ['SECTOR', 12],
  ['COUNT', 8],
  ['LATENCY', 13],
  ['STATUS', -9],
  ['DEPTH', 5],
] as const;

/** The line above those of `recordLine`. */
export const HEADINGS: string = line(COLUMNS.map(([heading]) => heading));

/** A record as a line of columns. */
export function recordLine(record: TraceRecord): string {
  const time = seconds(record.time);
  if (record.kind === 'dropped')
    return line([time, '-', 'dropped', '-', String(record.count), '-', '-', '-']);
  return line([
    time,
    String(record.number),
    [OP_NAMES[record.op]!, ...flagNames(record)].join('+'),
    String(record.sector),
    String(record.count),
    microseconds(record.duration),
    statusName(record.status),
    String(record.depth),
  ]);
}

/** A record as a line of JSON. */
export function recordJson(record: TraceRecord): string {
  if (record.kind === 'dropped') return `${JSON.stringify(record)}\n`;
  const names = { op: OP_NAMES[record.op]!, flags: flagNames(record), status: statusName(record.status) };
  return `${JSON.stringify({ ...record, ...names })}\n`;
}

/** The first line in front of those of `recordJson`. */
export function headerJson({ device, sectors, started, sample }: TraceHeader): string {
  const startedAt = new Date(started).toISOString();
  return `${JSON.stringify({ kind: 'trace', device, sectors, started: startedAt, sample })}\n`;
}

/** Nanoseconds as seconds, to the last digit. */
export function seconds(nanoseconds: number): string {
  const whole = Math.floor(nanoseconds / NANOSECONDS);
  return `${String(whole)}.${String(nanoseconds % NANOSECONDS).padStart(9, '0')}`;
}

/** Nanoseconds as microseconds. */
export function microseconds(nanoseconds: number): string {
  return (nanoseconds / 1000).toFixed(3);
}

function flagNames({ flags }: BioRecord): string[] {
  return FLAGS.flatMap(([flag, name]) => ((flags & flag) === 0 ? [] : [name]));
}

/** `ok`, the code, or the number where it has no code. */
function statusName(status: number): string {
  if (status === 0) return 'ok';
  const code = codeOfErrno(status);
  return ERROR_CODES[code].errno === status ? code : String(status);
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, at) => {
    const [, width] = COLUMNS[at]!;
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return `${padded.join('  ')}\n`;
}
