import { epochText, failureText } from './report-text.ts';
import type { EpochResult, SearchResult } from './search-result.ts';

/** What XML 1.0 has no way to write, and lone surrogates. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

const BROKEN = 'begins with a disk that fails already';

/** How a report is called. */
export interface JunitOptions {
  /** Of the test suite; `crash-test` by default. */
  readonly name?: string;
}

/** What a search found as JUnit XML: a test suite with a test case for each epoch. */
export function junit(result: SearchResult, { name = 'crash-test' }: JunitOptions = {}): string {
  const { epochs, failures, seconds } = result;
  const skipped = epochs.filter(({ beginsBroken }) => beginsBroken).length;
  const counts =
    `tests="${String(epochs.length)}" failures="${String(failures.length)}" errors="0" ` +
    `skipped="${String(skipped)}"`;
  const time = `time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} ${time}>`,
    `<testsuite name="${attribute(name)}" ${counts} ${time}>`,
    ...epochs.map((epoch) => testcase(epoch, name)),
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testcase(epoch: EpochResult, name: string): string {
  const { explored, pruned, checked, space, failure, seconds } = epoch;
  const counts =
    `${String(explored)} states of ${Number.isFinite(space) ? String(space) : 'countless'}, ` +
    `${String(pruned)} pruned, ${String(checked)} checked`;
  const lines = [
    `<testcase name="${attribute(epochText(epoch))}" classname="${attribute(name)}" time="${seconds.toFixed(3)}">`,
  ];
  if (failure !== undefined) {
    const details = text(failureText(epoch, failure));
    lines.push(`<failure message="${attribute(failure.message)}" type="crash">${details}</failure>`);
  }
  if (epoch.beginsBroken) lines.push(`<skipped message="${BROKEN}"/>`);
  return [...lines, `<system-out>${text(counts)}</system-out>`, '</testcase>'].join('\n');
}

function text(value: string): string {
  return value.replace(FORBIDDEN, '').replace(/[&<>]/g, (found) => ESCAPES[found]!);
}

/** Line feeds and tabs of an attribute become blanks in a reader unless they are written as numbers. */
function attribute(value: string): string {
  return value.replace(FORBIDDEN, '').replace(/[&<>"\t\n\r]/g, (found) => ESCAPES[found]!);
}
