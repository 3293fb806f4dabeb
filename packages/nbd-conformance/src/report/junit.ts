import type { Report, Result } from './report.ts';

/** The report in the XML form of JUnit, which continuous integration services read. Rules of a group are a suite. */
export function junitText({ uri, results }: Report): string {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const group = groupOf(result.id);
    groups.set(group, [...(groups.get(group) ?? []), result]);
  }
  const suites = [...groups].map(([group, members]) => suiteText(group, members));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escape(uri)}">\n${suites.join('\n')}\n</testsuites>\n`;
}

/** The first part of the name of a rule. */
export function groupOf(id: string): string {
  return id.slice(0, id.indexOf('.'));
}

function suiteText(group: string, results: readonly Result[]): string {
  const failures = results.filter(({ status }) => status === 'fail').length;
  const skipped = results.filter(({ status }) => status === 'not-applicable' || status === 'not-run').length;
  const head = `<testsuite name="${group}" tests="${String(results.length)}" failures="${String(failures)}" skipped="${String(skipped)}">`;
  return ['  ' + head, ...results.map(caseText), '  </testsuite>'].join('\n');
}

function caseText({
  id,
  level,
  about,
  status,
  message = '',
  conversation = [],
  milliseconds,
}: Result): string {
  const head = `    <testcase classname="${level}" name="${escape(`${id}: ${about}`)}" time="${String(milliseconds / 1000)}"`;
  if (status === 'pass') return `${head}/>`;
  const body =
    status === 'fail'
      ? `<failure message="${escape(message)}">${escape(conversation.join('\n'))}</failure>`
      : `<skipped message="${escape(message)}"/>`;
  return `${head}>${body}</testcase>`;
}

/** Text of servers may hold anything; XML takes no control characters. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\n]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
