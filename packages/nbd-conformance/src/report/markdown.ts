import { groupOf } from './junit.ts';
import { type Report, type Score, summarize } from './report.ts';

/** A server in the table. */
export interface MarkdownColumn {
  /** The server with its version, and when it was checked. */
  readonly title: string;
  readonly report: Report;
  /** Why a rule fails there, by its id. */
  readonly reasons?: Readonly<Record<string, string>>;
}

/** Servers as columns, groups of rules as rows, and below what fails, by name. */
export function markdownText(columns: readonly MarkdownColumn[]): string {
  const groups = [...new Set(columns.flatMap(({ report }) => report.results.map(({ id }) => groupOf(id))))];
  const head = ['rules', ...columns.map(({ title }) => title)];
  const rows = groups.map((group) => [group, ...columns.map(({ report }) => cell(report, group))]);
  const total = ['**all**', ...columns.map(({ report }) => `**${summarize(report)}**`)];
  const table = [head, head.map(() => '---'), ...rows, total].map((row) => `| ${row.join(' | ')} |`);
  return [...table, '', ...columns.flatMap(failures)].join('\n');
}

/** `5/6 + 2/2` for MUST and SHOULD of a group. */
function cell(report: Report, group: string): string {
  const results = report.results.filter(({ id }) => groupOf(id) === group);
  const parts = (['MUST', 'SHOULD'] as const).map((level) => {
    const run = results.filter((result) => result.level === level && /pass|fail/.test(result.status));
    return { passed: run.filter(({ status }) => status === 'pass').length, of: run.length };
  });
  return parts.every(({ of }) => of === 0) ? '–' : parts.map(scoreText).join(' + ');
}

function scoreText({ passed, of }: Score): string {
  return of === 0 ? '–' : `${String(passed)}/${String(of)}`;
}

function failures({ title, report, reasons = {} }: MarkdownColumn): string[] {
  const failed = report.results.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return [];
  const lines = failed.map(({ id, level, about, message = '' }) => {
    return `- \`${id}\` (${level}): ${about} ${reasons[id] ?? `Here: ${message}.`}`;
  });
  return [`## What fails: ${title}`, '', ...lines, ''];
}
