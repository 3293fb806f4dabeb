import { fail, SEEDS, splitWords } from '@interposer/core';
import { actionWords, checkAction, readAction, readSetting } from './actions.ts';
import { name, size, whole } from './codecs.ts';
import { checkConditions, conditionWords, newState, opsWord, readCondition, readOps } from './conditions.ts';
import type { ChaosAction, ChaosOp, ChaosRule } from './rule.ts';
import { type Field, field, fieldWords, type Given, readField, unknown, type Word } from './words.ts';

/** What stands before the rules. */
export interface Header {
  /** Of all random numbers; undefined: a random one. */
  readonly seed?: number;
  /** The state at the start; `start` by default. */
  readonly state?: string;
  /** Bytes for what `stale` reads return. */
  readonly history?: number;
}

/** Arguments of the filter. */
export interface ChaosArgs extends Header {
  readonly rules: readonly ChaosRule[];
}

/** A seed, also that of a message. */
export const seed: Field = field('seed', whole(0, SEEDS - 1));

/** A name of a state, also that of a message. */
export const state: Field = field('state', name);

const MIB = 2 ** 20;

const HEADER: readonly Field[] = [seed, state, field('history', size(4096, 1024 * MIB))];

/** So many rules are looked at one after the other for each request. */
export const MOST_RULES = 1000;

/** `[seed=<n>] [state=<name>] [history=<size>] [on <ops> [<condition>...] do <action> [<setting>...]]...` as arguments. EINVAL. */
export function parseArguments(words: readonly string[]): ChaosArgs {
  const reader = new Reader(words);
  const header: Given = {};
  for (let word = reader.until('on'); word !== undefined; word = reader.until('on'))
    readField(word, header, HEADER, { kind: 'option', others: ['on'] });
  return { ...(header as Header), rules: readRules(reader) };
}

/** Rules from `on <ops> [<condition>...] do <action> [<setting>...]` and so on. EINVAL that tells word, place and what is allowed. */
export function parseRules(given: string | readonly string[]): ChaosRule[] {
  const reader = new Reader(typeof given === 'string' ? splitWords(given) : given);
  const word = reader.until('on');
  if (word !== undefined) throw unknown(word, 'word at the start of a rule', ['on']);
  return readRules(reader);
}

/** The words that `parseRules` makes the same rule of; a predicate, which has none, is left out. */
export function ruleText(rule: ChaosRule): string {
  const settings = fieldWords([newState], rule as unknown as Given);
  return [
    'on',
    opsWord(rule.on),
    ...conditionWords(rule),
    'do',
    ...actionWords(rule.action),
    ...settings,
  ].join(' ');
}

/** The words that `parseArguments` makes the same header of. */
export function headerText(header: Header): string {
  return fieldWords(HEADER, header as Given).join(' ');
}

function readRules(reader: Reader): ChaosRule[] {
  const rules: ChaosRule[] = [];
  while (!reader.isAtEnd) {
    rules.push(readRule(reader));
    if (rules.length > MOST_RULES) throw fail('EINVAL', `filter chaos: more than ${MOST_RULES} rules`);
  }
  return rules;
}

function readRule(reader: Reader): ChaosRule {
  const start = reader.next('on', 'a rule');
  const ops = readOps(reader.next('operations joined by commas', 'on'));
  const rule: Given = { on: ops };
  for (let word = reader.until('do'); word !== undefined; word = reader.until('do'))
    readCondition(word, rule);
  reader.next('do and an action', 'the conditions');
  const doing = reader.next('an action', 'do');
  const action = readAction(doing, ops);
  rule.action = action;
  for (let word = reader.until('on'); word !== undefined; word = reader.until('on'))
    readSetting(word, action, rule);
  return checked(rule as unknown as ChaosRule, { start, doing, ops });
}

interface Places {
  readonly start: Word;
  readonly doing: Word;
  readonly ops: readonly ChaosOp[];
}

function checked(rule: ChaosRule, { start, doing, ops }: Places): ChaosRule {
  checkConditions(start, rule, ops);
  checkAction(doing, rule.action satisfies ChaosAction);
  return rule;
}

/** Words one after the other. */
class Reader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#words.length;
  }

  /** The next word, unless it is the given one or there is none. */
  until(end: string): Word | undefined {
    return this.isAtEnd || this.#words[this.#at] === end ? undefined : this.#take();
  }

  /** The next word, which must be there. */
  next(wanted: string, behind: string): Word {
    if (!this.isAtEnd) return this.#take();
    const given = this.#words.length === 0 ? '' : ` "${this.#words.at(-1) ?? ''}"`;
    throw fail(
      'EINVAL',
      `filter chaos: the words end at word ${this.#at}${given}: ${behind} must be followed by ${wanted}`,
    );
  }

  #take(): Word {
    const text = this.#words[this.#at++]!;
    return { text, at: this.#at };
  }
}
