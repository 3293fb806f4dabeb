import type { Options } from '../command-line.ts';
import { CommandFailure } from '../failure.ts';
import { DEFAULT_FIELDS, INFO_FIELDS, type InfoField, type ReportedDevice } from './info-fields.ts';

/** The fields that `-o` asks for; `+` in front adds to the usual ones. */
export function selectFields(spec: string | undefined): InfoField[] {
  if (spec === undefined) return DEFAULT_FIELDS.map(fieldOf);
  const added = spec.startsWith('+');
  const asked = (added ? spec.slice(1) : spec).split(',').filter((name) => name !== '');
  return [...(added ? DEFAULT_FIELDS : []), ...asked].map(fieldOf);
}

function fieldOf(name: string): InfoField {
  const field = INFO_FIELDS.find((one) => one.name === name);
  if (field !== undefined) return field;
  const list = INFO_FIELDS.map((one) => `  ${one.name}`);
  throw new CommandFailure([`Unrecognised field: ${name}`, 'Fields:', ...list], { closing: false });
}

/** In the order that `-O` asks for: field names with `-` in front for the reverse. */
export function sortDevices(devices: readonly ReportedDevice[], spec: string | undefined): ReportedDevice[] {
  const keys = (spec ?? '').split(',').filter((name) => name !== '');
  return [...devices].sort((a, b) => {
    for (const key of keys) {
      const field = fieldOf(key.replace(/^[+-]/, ''));
      const order = compare(field, field.value(a), field.value(b));
      if (order !== 0) return key.startsWith('-') ? -order : order;
    }
    return 0;
  });
}

function compare({ numeric }: InfoField, a: string, b: string): number {
  if (numeric === true) return Number(a) - Number(b);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A report as dmsetup lays it out: padded columns, or with `--noheadings` or `--separator` plain values in between. */
export function columns(
  fields: readonly InfoField[],
  devices: readonly ReportedDevice[],
  options: Options,
): string {
  const rows = devices.map((device) => fields.map((field) => field.value(device)));
  const headings = fields.map((field) => field.heading);
  const withHeadings = !options.has('noheadings');
  const prefixed = options.has('nameprefixes');
  if (withHeadings && !prefixed && !options.has('separator')) return padded(fields, headings, rows);
  const separator = options.get('separator') ?? (prefixed && withHeadings ? ' ' : ':');
  const quote = options.has('unquoted') ? '' : "'";
  const cells = prefixed
    ? rows.map((row) =>
        row.map((value, at) => `DM_${fields[at]!.name.toUpperCase()}=${quote}${value}${quote}`),
      )
    : rows;
  const lines = withHeadings && !prefixed ? [headings, ...cells] : cells;
  return lines.map((line) => `${line.join(separator)}\n`).join('');
}

function padded(
  fields: readonly InfoField[],
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = fields.map(({ width, heading }, at) =>
    Math.max(width, heading.length, ...rows.map((row) => row[at]!.length)),
  );
  const heading = headings.map((text, at) => text.padEnd(widths[at]!)).join(' ');
  const lines = rows.map((row) =>
    row
      .map((value, at) =>
        fields[at]!.numeric === true ? value.padStart(widths[at]!) : value.padEnd(widths[at]!),
      )
      .join(' '),
  );
  return [heading, ...lines].map((line) => `${line}\n`).join('');
}
