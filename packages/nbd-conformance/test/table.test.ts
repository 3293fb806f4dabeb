import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkServer, type MarkdownColumn, markdownText, type Report, rules } from '../src/index.ts';
import { groupOf } from '../src/report/junit.ts';
import { ours, pattern } from './fixture.ts';
import { knownDeviations, sometimes } from './known-deviations.ts';
import { type PeerName, peerNames, startPeer, versionOf } from './peer-servers.ts';

const page = fileURLToPath(new URL('../../../docs/nbd-conformance.md', import.meta.url));
const START = '<!-- written by packages/nbd-conformance/test/table.test.ts -->';

/** All that can be tried with one server: its export is lost. */
async function peerColumn(name: PeerName, date: string): Promise<MarkdownColumn> {
  const { uri, revive } = await startPeer(name);
  const report = await checkServer(uri, { write: true, revive });
  return { title: `${name} ${versionOf(name)} (${date})`, report, reasons: knownDeviations[name] };
}

async function ownColumn(date: string): Promise<MarkdownColumn> {
  const { uri, disk } = await ours();
  await disk.write(0, pattern(2 ** 18));
  const report = await checkServer(uri('disk'), { write: true });
  const { version } = JSON.parse(
    readFileSync(new URL('../../frontend-nbd/package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  return { title: `Interposer ${version} (${date})`, report };
}

describe('docs/nbd-conformance.md', () => {
  it.runIf(process.env.INTERPOSER_WRITE_TABLE === '1')('is written from a run', async () => {
    const date = new Date().toISOString().slice(0, 10);
    const columns = [await ownColumn(date)];
    for (const name of peerNames) columns.push(await peerColumn(name, date));
    const text = readFileSync(page, 'utf8');
    writeFileSync(page, `${text.slice(0, text.indexOf(START))}${START}\n\n${markdownText(columns)}`);
  });

  it('has a row for each group of rules, and each known deviation', () => {
    const text = readFileSync(page, 'utf8');
    for (const group of new Set(rules.map(({ id }) => groupOf(id)))) expect(text).toContain(`\n| ${group} `);
    const known = Object.values(knownDeviations).flatMap((deviations) => Object.keys(deviations));
    for (const id of known) if (!sometimes.has(id)) expect(text).toContain(`\`${id}\``);
    expect(text).toContain(`${String(rules.length)} rules`);
  });
});

describe('the table', () => {
  const empty: Report = {
    uri: 'nbd://x',
    survey: {} as Report['survey'],
    results: [],
    must: { passed: 0, of: 0 },
    should: { passed: 0, of: 0 },
    notApplicable: 0,
    notRun: 0,
  };

  it('names what fails, with the reason that is known or the message', () => {
    const result = {
      level: 'MUST',
      section: 's',
      about: 'It does.',
      status: 'fail',
      milliseconds: 1,
    } as const;
    const results = [
      { ...result, id: 'a.b', message: 'it does not' },
      { ...result, id: 'a.c', message: 'no' },
    ];
    const text = markdownText([{ title: 'T 1', report: { ...empty, results }, reasons: { 'a.c': 'Why.' } }]);
    expect(text).toContain('| a | 0/2 + – |');
    expect(text).toContain('- `a.b` (MUST): It does. Here: it does not.');
    expect(text).toContain('- `a.c` (MUST): It does. Why.');
  });
});
