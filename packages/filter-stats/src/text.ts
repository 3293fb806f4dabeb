const UNITS = [
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
] as const;

/** A table: the first column is aligned to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Nanoseconds in the unit that fits: `812ns`, `12.3us`, `4.56ms`, `61.0s`. */
export function durationText(nanoseconds: number): string {
  for (const [unit, length] of UNITS) {
    if (nanoseconds >= length) return `${threeDigits(nanoseconds / length)}${unit}`;
  }
  return `${String(Math.round(nanoseconds))}ns`;
}

/** A share as a percentage; a dash where there is nothing to share. */
export function percentageText(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)}%`;
}

/** A range of numbers; one number where it holds no other. */
export function rangeText(least: number, most: number): string {
  return least === most ? String(least) : `${String(least)}-${String(most)}`;
}

/** Never fewer digits than the whole part has. */
function threeDigits(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(digits);
}
