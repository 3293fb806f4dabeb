/**
 * Rows of cells under headings, in columns as wide as their widest cell; no blanks at the ends of lines. Columns of numbers,
 * named by their headings, are aligned at the right.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly string[] = [],
): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) =>
            numbers.includes(headings[at]!) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!),
          )
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
