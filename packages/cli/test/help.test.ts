import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { cliReference } from '../src/docs.ts';
import { OPTIONS } from '../src/options.ts';
import { VERBS } from '../src/verbs/index.ts';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

describe('help', () => {
  it.each(VERBS.map((verb) => verb.name))(
    '%s explains itself, with examples, and connects to nothing',
    async (name) => {
      const bench = new Workbench(directory);
      bench.connect = () => {
        throw new Error('connected');
      };
      const text = await bench.ok(...name.split(' '), '--help');
      expect(text).toMatch(new RegExp(`^Usage: interposer ${name}( |\n)`));
      const [, ...told] = text.slice(0, text.indexOf('\nExamples:')).split('\n');
      expect(told.filter((line) => line.length > 80)).toEqual([]);
      expect(text).toMatch(/\nExamples:\n {2}.+:\n {4}.*interposer/);
      expect(await bench.ok('help', ...name.split(' '))).toBe(text);
    },
  );

  it('names every verb', async () => {
    const text = await new Workbench(directory).ok('help');
    for (const { name, summary } of VERBS)
      expect(text).toMatch(new RegExp(`^ {2}${name} +${summary.replace(/[()]/g, '.')}$`, 'm'));
  });

  it('without a verb, or with one that is none, is written as an error', async () => {
    const bench = new Workbench(directory);
    expect(await bench.run([])).toMatchObject({ code: 1, stdout: '', stderr: await bench.ok('help') });
    expect(await bench.run(['nosuch'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Unknown command.\n${await bench.ok('help')}interposer: there is no verb "nosuch"\n`,
    });
    expect(await bench.run(['help', 'nosuch'])).toEqual(await bench.run(['nosuch']));
  });

  it('of a first word names the verbs that begin with it, and no others', async () => {
    const bench = new Workbench(directory);
    const text = await bench.ok('help', 'filter');
    expect(text).toMatch(/\n {2}filter attach +Slide/);
    expect(text).not.toContain('remap start');
    expect(await bench.ok('filter', '--help')).toBe(text);
    expect(await bench.ok('filter', 'rule', '--help')).not.toContain('filter attach');
    expect(await bench.run(['filter', 'atach', 'disk', 'stats'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Unknown command.\n${text}interposer: there is no verb "filter atach"\n`,
    });
  });

  it.each([
    [['ls', '--nosuch'], "interposer: unrecognized option '--nosuch'"],
    [['ls', '--tree=x'], "interposer: option '--tree' doesn't allow an argument"],
    [['create', '--table'], "interposer: option '--table' requires an argument"],
    [['create', '-u'], "interposer: option requires an argument -- 'u'"],
    [['ls', '-Z'], "interposer: invalid option -- 'Z'"],
    [['export', 'ls', '--tree'], "interposer: unrecognized option '--tree'"],
  ])('%j: usage error', async (args, line) => {
    const expected = { code: 1, stdout: '', stderr: `${line}\nCouldn't process command line.\n` };
    expect(await new Workbench(directory).run(args)).toEqual(expected);
  });
});

describe('the table of verbs', () => {
  it('names options that exist, each with a text', () => {
    const shown = new Set(VERBS.flatMap((verb) => verb.options));
    for (const name of shown) expect(OPTIONS.find((option) => option.name === name)?.about).toBeTruthy();
    const letters = OPTIONS.flatMap(({ short }) => short ?? []);
    expect(new Set(letters).size).toBe(letters.length);
  });

  it('is what docs/cli.md says; INTERPOSER_UPDATE_DOCS=1 writes it', () => {
    const path = fileURLToPath(new URL('../../../docs/cli.md', import.meta.url));
    if (process.env.INTERPOSER_UPDATE_DOCS === '1') writeFileSync(path, cliReference());
    expect(readFileSync(path, 'utf8')).toBe(cliReference());
  });
});

describe('completion', () => {
  it('is refused for other shells', async () => {
    expect(await new Workbench(directory).run(['completion', 'csh'])).toMatchObject({ code: 1, stdout: '' });
  });

  it.each(['bash', 'zsh', 'fish'])('knows every verb and option in %s', async (shell) => {
    const script = await new Workbench(directory).ok('completion', shell);
    for (const { name, options } of VERBS) {
      for (const word of name.split(' ')) expect(script).toContain(word);
      for (const option of options) expect(script).toContain(option);
    }
  });

  it.skipIf(!peer('bash'))('completes in bash', async () => {
    const path = join(directory, 'completion');
    writeFileSync(path, await new Workbench(directory).ok('completion', 'bash'));
    const complete = (...words: readonly string[]): string[] => {
      const quoted = words.map((word) => `'${word}'`).join(' ');
      const program = `. ${path}; COMP_WORDS=(interposer ${quoted}); COMP_CWORD=${String(words.length)}; _interposer; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const text = execFileSync('bash', ['-c', `interposer() { printf 'disk\\t(254:0)\\n'; }; ${program}`], {
        cwd: directory,
        encoding: 'utf8',
      });
      return text.split('\n').filter((line) => line !== '');
    };
    expect(complete('tab')).toEqual(['table']);
    expect(complete('re')).toEqual(
      expect.arrayContaining(['reload', 'resume', 'remove', 'rename', 'remove_all']),
    );
    expect(complete('filter', 'at')).toEqual(['attach']);
    expect(complete('filter', 'ru')).toEqual(['rule']);
    expect(complete('filter', 'rule', '')).toEqual(['add', 'rm', 'ls']);
    expect(complete('filter', 'rule', 'add', '--no')).toEqual(['--no-start']);
    expect(complete('remap', 'start', '--alt')).toEqual(['--altitude']);
    expect(complete('table', '--sh')).toEqual(['--showkeys']);
    expect(complete('attach', '')).toEqual(expect.arrayContaining(['ls', 'disk']));
    expect(complete('attach', '--me')).toEqual(['--method']);
    expect(complete('export', 'add', '--un')).toEqual(['--unix']);
    expect(complete('table', 'di')).toEqual(['disk']);
    expect(complete('filter', 'attach', 'd')).toEqual(['disk']);
  });
});
