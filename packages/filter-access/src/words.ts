import { fail, quoteWord } from '@interposer/core';
import { parseRule, type Rule, RULE_GRAMMAR } from './rule.ts';

/** More would make every edit slow, and a line that nobody can read. */
const MAX_RULES = 1024;

/** The arguments of the filter. */
export interface AccessArgs {
  /** Path of the audit log. */
  readonly log: string | undefined;
  /** What is allocated under a `worm` rule counts as written when the rule comes. */
  readonly allocated: boolean;
  readonly rules: readonly Rule[];
}

/** Reads `[log=<file>] [written=allocated] [<rule>...]`, in any order, for a device of that size. EINVAL for anything else. */
export function parseWords(words: readonly string[], sectors: number): AccessArgs {
  let log: string | undefined;
  let allocated = false;
  const rules: string[] = [];
  for (const word of words) {
    const [key = '', ...value] = word.split('=');
    if (value.length === 0) rules.push(word);
    else if (key === 'log' && log === undefined) log = value.join('=');
    else if (word === 'written=allocated' && !allocated) allocated = true;
    else throw badWord(word);
  }
  return { log, allocated, rules: withRules([], rules, { sectors, logged: log !== undefined }) };
}

/** The words that give these arguments. */
export function wordsText({ log, allocated, rules }: AccessArgs): string {
  const options = [
    ...(log === undefined ? [] : [`log=${quoteWord(log)}`]),
    ...(allocated ? ['written=allocated'] : []),
  ];
  return [...options, ...rules.map(({ text }) => text)].join(' ');
}

/** Rules with some more. EINVAL for one that is there, and for an audit without a log. */
export function withRules(
  rules: readonly Rule[],
  words: readonly string[],
  { sectors, logged }: { readonly sectors: number; readonly logged: boolean },
): Rule[] {
  const all = [...rules];
  for (const word of words) {
    const rule = parseRule(word, sectors);
    if (all.some(({ text }) => text === rule.text))
      throw fail('EINVAL', `filter access: the rule ${rule.text} is there already`);
    if (rule.mode.startsWith('audit') && !logged) {
      throw fail(
        'EINVAL',
        `filter access: the rule ${rule.text} needs a log: attach the filter with log=FILE`,
      );
    }
    all.push(rule);
  }
  if (all.length > MAX_RULES) {
    throw fail(
      'EINVAL',
      `filter access: ${String(all.length)} rules are too many: at most ${String(MAX_RULES)}`,
    );
  }
  return all;
}

/** Rules without some. ENOENT for one that is not there. */
export function withoutRules(rules: readonly Rule[], words: readonly string[]): Rule[] {
  const gone = words.map((word) => parseRule(word, Infinity).text);
  const missing = gone.find((text) => !rules.some((rule) => rule.text === text));
  if (missing !== undefined) {
    const known = rules.length === 0 ? 'there are none' : `rules: ${rules.map(({ text }) => text).join(' ')}`;
    throw fail('ENOENT', `filter access: there is no rule ${missing}; ${known}`);
  }
  return rules.filter(({ text }) => !gone.includes(text));
}

function badWord(word: string): Error {
  return fail(
    'EINVAL',
    `filter access: "${word}" is not one of log=FILE, written=allocated, each at most once, and rules; rules: ${RULE_GRAMMAR}`,
  );
}
