import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkLayout, parseTable, quoteWord, splitWords } from '../src/index.ts';
import { namesOf } from '../../conformance/test/kernel/deviations.ts';
import { Rig } from './support/rig.ts';
import { targetType } from './support/plugins.ts';

interface Step {
  readonly argv?: readonly string[];
  readonly stdin?: string;
  readonly code: number;
  readonly stderr: string;
  readonly dmesg?: readonly string[];
  readonly note?: string;
}

/** What a real kernel and dmsetup said to odd tables. */
const recorded = JSON.parse(
  readFileSync(new URL('../../conformance/vectors/refused.json', import.meta.url), 'utf8'),
) as { scenarios: { name: string; steps: Step[] }[] };

/** What is refused here and not there, with the reasons on the page. */
const REFUSED = namesOf('table-shape', 'refused');

const creates = recorded.scenarios
  .find(({ name }) => name === 'table-shape')!
  .steps.filter(({ argv }) => argv?.[1] === 'create');

describe('tables that the kernel judged', () => {
  const usual = creates.filter(({ note = '' }) => !REFUSED.includes(note));
  const LAYOUT = /Gap in table|zero-length target|too large device/;

  it.each(usual.map((step) => [step.note ?? '', step] as const))('%s', async (_note, step) => {
    const rig = new Rig(targetType('zero', () => ({})));
    const creating = rig.engine.create('r', { table: step.stdin!, source: 'on stdin' });
    if (step.code === 0) {
      expect((await creating).live).toBe(true);
    } else {
      const reason = step.dmesg?.[0] ?? step.stderr;
      const text =
        LAYOUT.exec(reason)?.[0] ??
        /Invalid format on line \d+ of table on stdin\./.exec(reason)?.[0] ??
        'unknown target type';
      await expect(creating).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringContaining(text),
      });
      expect(await rig.engine.list()).toEqual([]);
    }
    await rig.finish();
  });

  it.each(REFUSED)('%s: refused here', async (note) => {
    const { stdin } = creates.find((step) => step.note === note)!;
    const rig = new Rig(targetType('zero', () => ({})));
    await expect(rig.engine.create('r', { table: stdin! })).rejects.toMatchObject({ code: 'EINVAL' });
    await rig.finish();
  });
});

describe('parseTable', () => {
  it('skips empty lines and comments, and ends a line at a word that begins with #', () => {
    const lines = parseTable('# a comment\n\n  0 8 linear /dev/x 0 # rest\n\t8 16 striped a#b\n');
    expect(lines).toEqual([
      { start: 0, length: 8, type: 'linear', words: ['/dev/x', '0'], line: 3 },
      { start: 8, length: 16, type: 'striped', words: ['a#b'], line: 4 },
    ]);
  });

  it('names the source and the line of what it cannot read', () => {
    expect(() => parseTable('0 8 zero\nnonsense', '/tmp/t')).toThrow(
      'Invalid format on line 2 of table /tmp/t.',
    );
  });
});

describe('words', () => {
  it('splits at white space, and a backslash makes the next character an ordinary one', () => {
    expect(splitWords('  a\tb\\ c  d\\\\e ')).toEqual(['a', 'b c', 'd\\e']);
    expect(splitWords('')).toEqual([]);
  });

  it.each(['plain', 'with blank', 'back\\slash', 'tab\tand\nline'])('gives "%s" back as it was', (word) => {
    expect(splitWords(`x ${quoteWord(word)} y`)).toEqual(['x', word, 'y']);
  });
});

describe('checkLayout', () => {
  it('takes lines that follow on each other', () => {
    expect(() => {
      checkLayout(parseTable('0 7 zero\n7 9 zero\n16 1 zero'));
    }).not.toThrow();
  });

  it('says where a line should begin', () => {
    expect(() => {
      checkLayout(parseTable('0 8 zero\n\n9 8 zero'));
    }).toThrow('table line 3: zero: Gap in table: starts at sector 9, must start at 8');
  });
});
