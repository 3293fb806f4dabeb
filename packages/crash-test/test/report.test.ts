import { execFileSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import {
  type Check,
  describeState,
  junit,
  reportText,
  searchCrashStates,
  type SearchResult,
} from '../src/index.ts';
import { type Disks, open, type Step } from './logs.ts';

let disks: Disks | undefined;
afterEach(() => disks?.close());

const NASTY = 'got <a href="x">&amp;\u0000\u001b[31m\ud800 ]]>\n\tnext\r\u{1f600}\uffff';

const STEPS: Step[] = [
  ['fua', 8, 'ab'],
  ['mark', 'com"mit 1'],
  ['write', 0, 'xx'],
  ['write', 8, 'bb'],
  ['write', 4, 'yyyy'],
  ['flush'],
  ['discard', 0, 2],
];

async function search(message: string): Promise<SearchResult> {
  disks = await open('.'.repeat(16), STEPS);
  const check: Check = async ({ kept, epoch }) =>
    epoch === 0 && kept.some(({ torn }) => torn !== undefined) && kept.length > 1
      ? { ok: false, message }
      : { ok: true };
  return { ...(await searchCrashStates({ ...disks, check })), seconds: 1.25 };
}

it('a report tells what was searched, and of each failure what is needed for it', async () => {
  const result = await search('no good');
  const { state } = result.failures[0]!;
  const [first, ...rest] = reportText(result).split('\n\n');
  expect(first).toMatch(/^1 failure: 2 epochs, \d+ states, \d+ pruned \(\d+ %\), \d+ checked in 1\.3 s$/);
  const torn = state.kept[1]!.torn!.map(({ sector, count }) => `${String(sector)}+${String(count)}`).join(
    ' and ',
  );
  expect(rest.join('\n\n')).toBe(
    [
      'FAILED epoch 0, log entries 0 to 5: no good',
      '  promised     "com\\"mit 1"',
      `  on the disk  entry 0: write with FUA of sectors 8+2; entry 4: write of sectors 4+4, torn: only ${torn}`,
      '  lost         entry 2: write of sectors 0+2; entry 3: write of sectors 8+2',
      `  state        ${state.id}`,
      '',
      'The log does not tell the order of 1 pair of writes, for example of entries 0 and 3 in epoch 0: one has FUA, and they overlap. They were taken in the order of the log.',
      '',
    ].join('\n'),
  );
});

it('a message of several lines stays in its place', async () => {
  const text = reportText(await search('two\nlines'));
  expect(text).toContain('log entries 0 to 5: two\n  lines\n  promised ');
});

it('a report tells what was left out', async () => {
  const result = await search('');
  const plain = { ...result, failures: [], epochs: [], ambiguous: [], explored: 0, bounded: false };
  expect(reportText(plain)).toMatch(
    /^no failure: 0 epochs, 0 states, \d+ pruned \(0 %\), \d+ checked in 1\.3 s\n$/,
  );
  expect(reportText({ ...plain, bounded: true })).toContain('\n\nBounds left states out');
  expect(reportText({ ...plain, ended: 'aborted' })).toContain('\n\nThe search was broken off.\n');
  expect(reportText({ ...plain, ended: 'stopped' })).toContain('bound of failures');
});

it('many writes and promises are counted', async () => {
  const marks = Array.from({ length: 12 }, (_, index): Step => ['mark', String(index)]);
  const writes = Array.from({ length: 13 }, (_, index): Step => ['write', index, 'x']);
  disks = await open('.'.repeat(16), [...marks, ...writes]);
  const { failures } = await searchCrashStates({
    ...disks,
    check: async () => ({ ok: false, message: 'empty' }),
  });
  const lines = describeState(failures[0]!.state).split('\n');
  expect(lines[0]).toBe('promised     2 older ones, "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"');
  expect(lines[1]).toBe('on the disk  nothing');
  expect(lines[2]).toMatch(/^lost {9}entry 12: write of sectors 0\+1; .*; and 3 more$/);
  const report = reportText(
    await searchCrashStates({ ...disks, check: async () => ({ ok: false, message: '' }) }),
  );
  expect(report).toContain('Nothing of this epoch is on the disk');
});

it.skipIf(!peer('python3'))('JUnit XML is XML whatever the check says', async () => {
  const xml = junit(await search(NASTY), { name: 'a "b" <c>' });
  // Python's parser is a strict one.
  const program = [
    'import json, sys, xml.etree.ElementTree as tree',
    'root = tree.fromstring(sys.stdin.buffer.read())',
    'suite = root[0]',
    'print(json.dumps([root.tag, suite.attrib, [[c.attrib["name"], [[e.tag, e.get("message"), e.text] for e in c]] for c in suite]]))',
  ].join('\n');
  const parsed = JSON.parse(execFileSync('python3', ['-c', program], { input: xml, encoding: 'utf8' })) as [
    string,
    Record<string, string>,
    [string, [string, string | null, string][]][],
  ];
  const [root, suite, cases] = parsed;
  expect(root).toBe('testsuites');
  expect(suite).toEqual({
    name: 'a "b" <c>',
    tests: '2',
    failures: '1',
    errors: '0',
    skipped: '0',
    time: '1.250',
  });
  expect(cases.map(([name]) => name)).toEqual(['epoch 0, log entries 0 to 5', 'epoch 1, log entries 6 to 6']);
  const said = 'got <a href="x">&amp;[31m ]]>\n\tnext\r\u{1f600}';
  const [failure, out] = cases[0]![1];
  expect(failure?.slice(0, 2)).toEqual(['failure', said]);
  expect(failure?.[2]).toContain('torn: only');
  expect(out?.[0]).toBe('system-out');
  expect(out?.[2]).toMatch(/^\d+ states of \d+, \d+ pruned, \d+ checked$/);
  expect(cases[1]![1].map(([tag]) => tag)).toEqual(['system-out']);
});
