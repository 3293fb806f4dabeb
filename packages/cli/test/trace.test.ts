import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { trace } from '@interposer/filter-trace';
import { beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { buildProgram } from './program.ts';
import { tempDirectory } from './temp.ts';
import { reads, record, recordFew } from './trace-files.ts';

const directory = tempDirectory();
const bench = (): Workbench => new Workbench(directory);

beforeAll(() => recordFew(directory));

describe('trace show', () => {
  it('has a line for each record', async () => {
    expect(await bench().ok('trace', 'show', 'few.trace')).toBe(
      [
        '           TIME      NUMBER  OP                           SECTOR     COUNT        LATENCY  STATUS     DEPTH\n',
        '    0.000000000           1  write+fua                         0         8         10.000  ok             1\n',
        '    1.500010000           2  read                              8         8         10.000  EIO            1\n',
        '    1.500020000           3  flush                             0         0         10.000  ok             1\n',
        '    1.500030000           4  discard                           0      2048       2560.000  EIO            1\n',
        '    1.502590000           5  write-zeroes+no-unmap           100         1          1.250  133           32\n',
        '    2.000000000           -  dropped                           -         7              -  -              -\n',
      ].join(''),
    );
  });

  it('has a JSON object for each', async () => {
    const text = await bench().ok('trace', 'show', 'few.trace', '--json');
    const lines = text.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { kind: 'trace', device: 'slow', sectors: 2048, started: '2026-01-02T03:04:05.006Z', sample: 1 },
      entry({ number: 1, time: 0, op: 'write', flags: ['fua'], sector: 0 }),
      entry({ number: 2, time: 1_500_010_000, op: 'read', status: 'EIO' }),
      entry({ number: 3, time: 1_500_020_000, op: 'flush', sector: 0, count: 0 }),
      entry({
        number: 4,
        time: 1_500_030_000,
        duration: 2_560_000,
        op: 'discard',
        sector: 0,
        count: 2048,
        status: 'EIO',
      }),
      entry({
        number: 5,
        time: 1_502_590_000,
        duration: 1250,
        op: 'write-zeroes',
        flags: ['no-unmap'],
        sector: 100,
        count: 1,
        status: '133',
        depth: 32,
      }),
      { kind: 'dropped', time: 2_000_000_000, duration: 5000, count: 7 },
    ]);
  });

  function entry(given: object): object {
    return {
      kind: 'bio',
      duration: 10_000,
      flags: [],
      sector: 8,
      count: 8,
      status: 'ok',
      depth: 1,
      ...given,
    };
  }

  it.each([
    [
      ['--from', '4'],
      ['4', '5', '-'],
    ],
    [
      ['--from', '2', '--count', '2'],
      ['2', '3'],
    ],
    [['--count', '1'], ['1']],
    [['--count', '0'], []],
    [['--from', '6'], []],
  ])('takes %j', async (options, numbers) => {
    const text = await bench().ok('trace', 'show', 'few.trace', ...options);
    const lines = text.trimEnd().split('\n').slice(1);
    expect(lines.map((line) => line.trim().split(/ +/)[1])).toEqual(numbers);
  });

  it('shows every record of a long trace', async () => {
    await record(directory, 'long.trace', '', (port) => reads(port, 9000));
    const lines = (await bench().ok('trace', 'show', 'long.trace')).trimEnd().split('\n');
    expect(lines.length).toBe(9001);
    expect(lines.at(-1)).toMatch(/^ +\d+\.\d{9} +9000 {2}read /);
  });

  it('shows what there is of a trace that was cut off, or is damaged', async () => {
    const whole = readFileSync(join(directory, 'few.trace'));
    writeFileSync(join(directory, 'cut.trace'), whole.subarray(0, whole.length - 100));
    const cut = await bench().run(['trace', 'show', 'cut.trace']);
    expect(cut).toMatchObject({ code: 0, stderr: 'interposer: cut.trace ends within a record\n' });
    expect(cut.stdout.trimEnd().split('\n').length).toBe(1 + 3);
    whole.fill(0, whole.length - 96);
    writeFileSync(join(directory, 'damaged.trace'), whole);
    const damaged = await bench().run(['trace', 'show', 'damaged.trace']);
    expect(damaged).toMatchObject({ code: 1, stderr: expect.stringContaining('EILSEQ') });
    expect(damaged.stdout.trimEnd().split('\n').length).toBe(1 + 5 - 1);
  });

  it.each([
    [['few.trace', '--from', 'x'], 'EINVAL'],
    [['few.trace', '--count', '-1'], 'EINVAL'],
    [['nothing.trace'], 'ENOENT'],
    [['text'], 'EINVAL'],
  ])('refuses %j', async (args, code) => {
    writeFileSync(join(directory, 'text'), 'no trace');
    expect(await bench().run(['trace', 'show', ...args])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`interposer: ${code}: `),
    });
  });

  it.skipIf(!peer('bash'))('ends quietly when its reader has seen enough', async () => {
    const program = await buildProgram(join(directory, 'program'));
    await record(directory, 'pipe.trace', '', (port) => reads(port, 20_000));
    const command = `'${process.execPath}' '${program}' trace show pipe.trace | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const text = execFileSync('bash', ['-c', command], { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
    const [heading, first, code] = text.trimEnd().split('\n');
    expect(heading).toContain('LATENCY');
    expect(first).toContain(' read ');
    expect(code).toBe('0');
  });
});

describe('the filter, through the command line', () => {
  it('records into a file that trace show reads', async () => {
    const file = join(directory, 'ram.trace');
    const plugin = { package: '@interposer/filter-trace', version: '1.2.3', types: [trace] };
    const workbench = new Workbench(directory, [...PLUGINS, plugin]);
    await workbench.ok('create', 'disk', '--table', '0 64 linear ram:64s 0');
    await workbench.ok('filter', 'attach', 'disk', `trace ${file} sample=1`);
    await workbench.ok('zero', 'disk', '8', '8');
    await workbench.ok('flush', 'disk');
    await workbench.ok('filter', 'message', 'disk', 'trace', 'flush');
    const text = await workbench.ok('trace', 'show', 'ram.trace');
    expect(text).toMatch(/ 1 {2}write-zeroes +8 +8 .* ok .*\n.* 2 {2}flush /);
    expect(await workbench.ok('filter', 'ls', 'disk')).toMatch(/recording records=\d+ dropped=0 bytes=\d+/);
    const relative = await workbench.run(['filter', 'attach', 'disk', 'trace@470000 x.trace']);
    expect(relative).toMatchObject({ code: 1, stderr: expect.stringContaining('EINVAL') });
    await workbench.ok('filter', 'detach', 'disk', 'trace');
  });
});
