// @ts-check
/** The printed tables. */

/** @typedef {import('./results.mjs').ScenarioResult} ScenarioResult */
/** @typedef {import('./micro.mjs').MicroResult} MicroResult */

const HEADER = [
  'scenario',
  'unit',
  'ours',
  'peer',
  'its rate',
  'ratio',
  'range',
  'target',
  'cpu us/req',
  'verdict',
];

/** @param {ScenarioResult[]} results @returns {string} */
export function formatResults(results) {
  return formatTable([HEADER, ...results.flatMap(rows)]);
}

/** @param {string} title @param {MicroResult[]} results @returns {string} */
export function formatFigures(title, results) {
  const header = [title, 'value', 'range', 'unit', 'limit', 'verdict'];
  return formatTable([
    header,
    ...results.map(({ name, value, min, max, unit, limit, verdict }) => [
      name,
      decimal(value),
      `${decimal(min)}..${decimal(max)}`,
      unit,
      limit === null ? '-' : `<= ${limit}`,
      verdict,
    ]),
  ]);
}

/** One row per peer. @param {ScenarioResult} result @returns {string[][]} */
function rows({ scenario, unit, servers, comparisons }) {
  const ours = servers['ours'];
  return comparisons.map(({ peer, target, ratio, min, max, verdict }) => {
    const other = servers[peer];
    return [
      scenario,
      unit,
      rate(ours?.median),
      peer,
      rate(other?.median),
      ratio === undefined ? '-' : `${ratio.toFixed(2)}x`,
      min === undefined || max === undefined ? '-' : `${min.toFixed(2)}..${max.toFixed(2)}`,
      target === null ? '-' : `>= ${target}x`,
      `${micros(ours?.cpuMicrosecondsPerRequest)} : ${micros(other?.cpuMicrosecondsPerRequest)}`,
      verdict ?? (other?.skipped === undefined ? 'ERROR' : 'skipped'),
    ];
  });
}

/** @param {number | undefined} value */
const rate = (value) => (value === undefined ? '-' : Math.round(value).toLocaleString('en-US'));
/** @param {number | undefined} value */
const micros = (value) => (value === undefined ? '-' : value.toFixed(1));
/** @param {number} value */
const decimal = (value) =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);

/** @param {string[][]} table the first row is the header */
function formatTable(table) {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  const line = (/** @type {string[]} */ row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [header = [], ...body] = table;
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}
