import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { main } from '../src/main.ts';
import { tempDirectory } from './workbench.ts';

const parent = tempDirectory();
let directory = parent;
let count = 0;

beforeEach(() => {
  directory = join(parent, String(count++));
  mkdirSync(directory);
});

interface Outcome {
  readonly code: number;
  readonly lines: string[];
  readonly complaints: string[];
  readonly questions: string[];
}

/** Runs the command, with a user who gives the answers, or with nobody to ask. */
async function run(argv: readonly string[], answers?: readonly string[]): Promise<Outcome> {
  const [lines, complaints, questions]: [string[], string[], string[]] = [[], [], []];
  const left = [...(answers ?? [])];
  const ask = (question: string): Promise<string> => {
    questions.push(question);
    return Promise.resolve(left.shift()!);
  };
  const code = await main(argv, {
    directory,
    write: (line) => lines.push(line),
    complain: (line) => complaints.push(line),
    ...(answers === undefined ? {} : { ask }),
  });
  return { code, lines, complaints, questions };
}

function manifestAt(...path: string[]): Record<string, unknown> {
  return JSON.parse(readFileSync(join(directory, ...path, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
}

describe('create-interposer-plugin', () => {
  it('makes a package where nobody can be asked, and says what to do next', async () => {
    const { code, lines } = await run(['target', 'veil']);
    expect(code).toBe(0);
    expect(lines[0]).toBe('Made interposer-plugin-veil, a target, in interposer-plugin-veil:');
    expect(lines).toContain('  src/veil.ts');
    expect(lines.slice(-3)).toEqual(['  cd interposer-plugin-veil', '  npm install', '  npm test']);
    expect(manifestAt('interposer-plugin-veil').name).toBe('interposer-plugin-veil');
  });

  it('takes directory, scope and author from options, and asks nothing that is said', async () => {
    const options = ['--dir', 'deep/er', '--scope', '@me', '--author', 'Me'];
    const { code, questions } = await run(['device', 'pattern', ...options], []);
    expect([code, questions]).toEqual([0, []]);
    expect(manifestAt('deep', 'er')).toMatchObject({ name: '@me/interposer-plugin-pattern', author: 'Me' });
  });

  it('works in an empty directory that exists', async () => {
    const { lines } = await run(['filter', 'quota', '--dir', '.']);
    expect(lines[0]).toBe('Made interposer-plugin-quota, a filter, in .:');
    expect(lines).not.toContain('  cd .');
  });

  it('asks for what is missing, again where an answer cannot be taken', async () => {
    const { code, questions } = await run([], ['sieve', 'filter', 'No', 'quota', 'me', '@me', '']);
    expect(code).toBe(0);
    expect(questions).toEqual([
      'Kind of plugin (filter, target, device): ',
      '"sieve" is no kind of plugin; there are: filter, target, device\nKind of plugin (filter, target, device): ',
      'Name of the filter: ',
      expect.stringMatching(/^"No" is no name for a filter: at most 15 .*\nName of the filter: $/s),
      'npm scope (none): ',
      expect.stringMatching(/^"me" is no npm scope/),
      'Author (contributors): ',
    ]);
    expect(manifestAt('interposer-plugin-quota')).toMatchObject({
      name: '@me/interposer-plugin-quota',
      author: '@me/interposer-plugin-quota contributors',
    });
  });

  it('asks only for what has no default with --yes', async () => {
    const { questions } = await run(['filter', '--yes'], ['quota']);
    expect(questions).toEqual(['Name of the filter: ']);
  });

  it('prints its usage', async () => {
    const { code, lines } = await run(['--help']);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^usage: npm create interposer-plugin \(filter\|target\|device\) NAME/);
  });

  it.each([
    [[], 'which kind? Name one of filter, target, device, then a name'],
    [['filter'], 'the filter needs a name, e.g. filter my-filter'],
    [['sieve', 'x'], '"sieve" is no kind of plugin; there are: filter, target, device'],
    [['filter', 'Quota'], '"Quota" is no name for a filter: at most 15 of a-z, 0-9 and -, a letter first'],
    [
      ['filter', 'define'],
      '"define" is no name for a filter: its code would have the name of a function of core',
    ],
    [['filter', 'index'], '"index" is no name for a filter: its package has another file src/index.ts'],
    [['filter', 'x', 'y'], '"y" is too much: only a kind and a name are needed'],
    [['filter', 'x', '--scope', 'me'], '"me" is no npm scope: it looks like @me'],
    [['filter', 'x', '--no-such-option'], expect.stringContaining("'--no-such-option'")],
  ])('refuses %j and makes nothing', async (argv, reason) => {
    const { code, complaints } = await run(argv);
    expect(code).toBe(1);
    expect(complaints.map((line) => line.replace('create-interposer-plugin: ', ''))).toEqual([reason]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('touches neither a directory that holds something nor a file', async () => {
    mkdirSync(join(directory, 'full'));
    writeFileSync(join(directory, 'full', 'thesis.txt'), 'mine');
    const full = await run(['filter', 'x', '--dir', 'full']);
    expect(full.complaints[0]).toMatch(/full is not empty; name another directory with --dir$/);
    expect(readdirSync(join(directory, 'full'))).toEqual(['thesis.txt']);
    const file = await run(['filter', 'x', '--dir', 'full/thesis.txt']);
    expect([full.code, file.code]).toEqual([1, 1]);
    expect(file.complaints[0]).toMatch(/thesis\.txt is a file; name a directory with --dir$/);
  });
});
