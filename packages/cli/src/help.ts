import { COMMON_OPTIONS, OPTIONS, type OptionSpec } from './options.ts';
import type { Verb } from './verb.ts';
import { VERBS } from './verbs/index.ts';

/** The verbs that begin with these words, such as `filter` or `filter rule`, and go on; all where there are no words. */
export function verbsUnder(words: readonly string[]): readonly Verb[] {
  return VERBS.filter(({ name }) => name.startsWith(words.map((word) => `${word} `).join('')));
}

/** What `interposer filter --help` prints: of verbs that begin with the same word. */
export function familyUsage(verbs: readonly Verb[]): string {
  return `Usage: interposer [OPTIONS] VERB [OPERANDS]\n\nVerbs:\n${list(verbs)}\n${CLOSING}`;
}

/** What `interposer` without a verb and `interposer help` print. */
export function usage(): string {
  return [
    'Usage: interposer [OPTIONS] VERB [OPERANDS]\n\n',
    'Verbs of dmsetup, with its options, output and exit codes:\n',
    list(VERBS.filter((verb) => verb.dmsetup === true)),
    '\nVerbs of its own:\n',
    list(VERBS.filter((verb) => verb.dmsetup !== true)),
    `\n${CLOSING}`,
  ].join('');
}

const CLOSING = 'Every verb explains itself, with examples: interposer VERB --help\n';

function list(verbs: readonly Verb[]): string {
  const width = Math.max(...VERBS.map(({ name }) => name.length));
  return verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
}

/** What `interposer VERB --help` prints. */
export function verbHelp(verb: Verb): string {
  const parts = [`Usage: ${synopsis(verb)}\n\n${verb.summary}.\n`];
  if (verb.about !== undefined) parts.push(`${wrap(verb.about)}\n`);
  if (verb.aliases !== undefined) parts.push(`\nAlso: ${verb.aliases.join(', ')}\n`);
  const options = optionsOf(verb).map((option): readonly [string, string] => [
    optionForm(option),
    option.about,
  ]);
  const width = Math.max(...options.map(([form]) => form.length));
  const indent = ' '.repeat(width + 4);
  parts.push('\nOptions:\n');
  for (const [form, about] of options) {
    const lines = wrap(about, LINE_WIDTH - indent.length).replaceAll('\n', `\n${indent}`);
    parts.push(`  ${form.padEnd(width)}  ${lines}\n`);
  }
  parts.push('\nExamples:\n', ...verb.examples.map(({ command, about }) => `  ${about}:\n    ${command}\n`));
  return parts.join('');
}

/** The command with its operands. */
export function synopsis({ name, operands }: Verb): string {
  return `interposer ${name}${operands === '' ? '' : ` ${operands}`}`;
}

/** The options that matter to a verb, then those of all. */
export function optionsOf(verb: Verb): OptionSpec[] {
  const names = [...verb.options, ...COMMON_OPTIONS];
  return names.map((name) => OPTIONS.find((option) => option.name === name)!);
}

/** E.g. `-u, --uuid UUID`. */
export function optionForm({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

const LINE_WIDTH = 80;

function wrap(text: string, width: number = LINE_WIDTH): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
