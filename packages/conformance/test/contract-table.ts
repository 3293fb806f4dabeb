import type { Mutation } from './mutants/core/mutation.ts';

/** The points of the contract of the core, in a few words each. */
const POINTS: readonly string[] = [
  'Edits behind a closed gate, drained in a bounded time; transactions: all or nothing',
  'What can fail is acquired before the gate closes',
  'A bio keeps its origin and meets no filter twice',
  'Complete exactly once',
  'Altitudes: a clash is an error, order is theirs alone, completions run in reverse',
  "A filter's own I/O enters below it, to other devices at their top",
  'Arrival lowest first, orderly removal highest first, surprise lowest first; veto',
  'Stable codes off the data path, numbers on it',
  'Claims',
  'Sizes, and limits that are stacked again and told',
  'No cycles, a cap on depth',
  'Detach forgets everything',
  'Fail closed; interface numbers',
  'A plugin that throws is contained',
  'Nothing is allocated per bio',
  'A failed read leaks nothing',
];

/** Which cases prove each point, and which mutants of the core fail them, as a page of documentation. */
export function contractTable(cases: readonly string[], mutations: readonly Mutation[]): string {
  const rows = [['point', 'cases', 'mutants of the core that the case catches']];
  for (const [index, words] of POINTS.entries()) {
    const prefix = `contract ${String(index + 1)}: `;
    rows.push([`**${String(index + 1)}**`, `**${words}**`, '']);
    for (const name of cases.filter((one) => one.startsWith(prefix))) {
      const faults = mutations.filter(({ failing }) => failing === name).map(({ fault }) => fault);
      rows.push(['', name.slice(prefix.length), faults.join('; ')]);
    }
  }
  return [
    '# The contract of the core',
    '',
    'Each point of the contract with the cases of `coreSuite` that prove it, and the faults that were put into the core to see',
    'that the case fails. Each case runs on a disk, on a mapped device, and on a disk under a remap to a table over itself, but',
    'those of point 7, which need a disk. Written by the tests of this package (`vitest run --project conformance -u`).',
    '',
    ...aligned(rows),
    '',
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)];
}
