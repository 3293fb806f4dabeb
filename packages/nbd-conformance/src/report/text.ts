import type { Report, Result, Status } from './report.ts';
import { summarize } from './report.ts';

const MARKS: Readonly<Record<Status, string>> = {
  pass: 'ok',
  fail: 'FAIL',
  'not-applicable': 'n/a',
  'not-run': 'skip',
};

/** One line for a rule; for one that failed also the conversation. */
export function resultText(result: Result): string {
  const { status, level, id, about, message } = result;
  const line = `${MARKS[status].padEnd(4)} ${level.padEnd(6)} ${id}`;
  if (status === 'pass') return line;
  if (status !== 'fail') return `${line}: ${message ?? ''}`;
  const lines = (result.conversation ?? []).map((text) => `       ${text}`);
  return [line, `     ${about}`, `     ${message ?? ''}`, ...lines].join('\n');
}

/** The last lines: what failed by name, and the score. */
export function summaryText(report: Report): string {
  const failed = report.results.filter(({ status }) => status === 'fail');
  const names = failed.map(({ level, id, message }) => `${level} ${id}: ${message ?? ''}`);
  return ['', ...names, ...(names.length > 0 ? [''] : []), summarize(report)].join('\n');
}
