import { type Clock, fail, OP_NAMES, Status } from '@interposer/core';
import { powerCutSettings } from './actions.ts';
import { errno, tag as tagCodec, whole } from './codecs.ts';
import { MAX_ID } from './conditions.ts';
import { parseRules, seed as seedField, state as stateField } from './grammar.ts';
import { errnoOf } from './errnos.ts';
import { DELAYED, STALLED } from './held.ts';
import type { Holding } from './holding.ts';
import type { Power } from './power.ts';
import type { RuleSet } from './rule-set.ts';
import { type Field, field, type Given, nearest, readField, readValue, type Word } from './words.ts';

/** What messages work on. */
export interface Controls {
  readonly rules: RuleSet;
  readonly holding: Holding;
  readonly power: Power;
  readonly clock: Clock;
  /** To be called when rules were added or removed. */
  rulesChanged(): void;
}

/** One message: its usage, how many words follow its verb, and what it does. The words begin at the verb. */
interface Message {
  readonly usage: string;
  readonly words: readonly [least: number, most: number];
  run(controls: Controls, words: readonly Word[]): string | Promise<string>;
}

const ALL = 'all';
const ID = field('id', whole(1, MAX_ID));
const COUNT = field('count', whole(1));
const TAG = field('tag', tagCodec);
const ERRNO = field('errno', errno);

const MESSAGES: Readonly<Record<string, Message>> = {
  add: { usage: 'add [first] on ... do ...', words: [1, Infinity], run: addRules },
  remove: { usage: 'remove ID|all', words: [1, 1], run: removeRule },
  rules: { usage: 'rules', words: [0, 0], run: ({ rules }) => rules.all.map(String).join('\n') },
  state: { usage: 'state [NAME]', words: [0, 1], run: changeState },
  seed: { usage: 'seed [N]', words: [0, 1], run: changeSeed },
  reset: {
    usage: 'reset',
    words: [0, 0],
    run: ({ rules }) => {
      rules.reset();
      return '';
    },
  },
  held: { usage: 'held', words: [0, 0], run: listHeld },
  resume: { usage: 'resume [TAG|all [COUNT]]', words: [0, 2], run: resumeHeld },
  fail: { usage: 'fail TAG|all [ERRNO]', words: [1, 2], run: failHeld },
  wait: { usage: 'wait TAG [COUNT]', words: [1, 2], run: waitForHeld },
  'power-cut': { usage: 'power-cut [for=MS] [keep=PERCENT] [torn=PERCENT]', words: [0, 3], run: cutPower },
  'power-on': {
    usage: 'power-on',
    words: [0, 0],
    run: ({ power }) => {
      power.on();
      return '';
    },
  },
};

/** Does what a message says and answers what there is to tell. EINVAL for words that are none. */
export function answerMessage(controls: Controls, texts: readonly string[]): string | Promise<string> {
  const words = texts.map((text, index) => ({ text, at: index + 1 }));
  const [verb = ''] = texts;
  const message = Object.hasOwn(MESSAGES, verb) ? MESSAGES[verb] : undefined;
  const usages = Object.values(MESSAGES).map(({ usage }) => usage);
  if (message === undefined) {
    const near = nearest(verb, Object.keys(MESSAGES));
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw fail(
      'EINVAL',
      `filter chaos: unknown message "${texts.join(' ')}"${hint}; messages: ${usages.join(', ')}`,
    );
  }
  const [least, most] = message.words;
  if (words.length - 1 < least || words.length - 1 > most)
    throw fail('EINVAL', `filter chaos: "${texts.join(' ')}" must be: ${message.usage}`);
  return message.run(controls, words);
}

function addRules(controls: Controls, [, ...words]: readonly Word[]): string {
  const isFirst = words[0]?.text === 'first';
  const texts = words.slice(isFirst ? 1 : 0).map(({ text }) => text);
  const ids = controls.rules.add(parseRules(texts), { place: isFirst ? 'first' : 'last' });
  controls.rulesChanged();
  return ids.join(' ');
}

function removeRule(controls: Controls, [, id]: readonly Word[]): string {
  controls.rules.remove(id!.text === ALL ? ALL : (valueOf(ID, id!) as number));
  controls.rulesChanged();
  return '';
}

function changeState({ rules }: Controls, [, name]: readonly Word[]): string {
  if (name === undefined) return rules.state;
  rules.state = valueOf(stateField, name) as string;
  return '';
}

/** Another seed makes another run, from its start. */
function changeSeed({ rules }: Controls, [, seed]: readonly Word[]): string {
  if (seed === undefined) return String(rules.seed);
  rules.reset(valueOf(seedField, seed) as number);
  return '';
}

/** `<tag> <operation> <sector>+<count> <milliseconds>` for each, oldest first. */
function listHeld({ holding, clock }: Controls): string {
  const now = clock.now();
  const lines = holding.list().map(({ bio: { op, sector, count }, tag, since }) => {
    return `${tag} ${OP_NAMES[op] ?? ''} ${sector}+${count} ${Math.round(now - since)}`;
  });
  return lines.join('\n');
}

/** Answers how many went on. */
function resumeHeld({ holding }: Controls, [, tag, count]: readonly Word[]): string {
  const most = count === undefined ? Infinity : (valueOf(COUNT, count) as number);
  return String(holding.resume(tag === undefined ? undefined : tagOf(tag), most));
}

/** Answers how many failed. */
function failHeld({ holding }: Controls, [, tag, code]: readonly Word[]): string {
  const status = code === undefined ? Status.Io : errnoOf(valueOf(ERRNO, code) as string | number);
  return String(holding.fail(tagOf(tag!), status));
}

async function waitForHeld({ holding }: Controls, [, tag, count]: readonly Word[]): Promise<string> {
  return String(
    await holding.wait(oneTagOf(tag!), count === undefined ? 1 : (valueOf(COUNT, count) as number)),
  );
}

/** `kept=<n> torn=<n> lost=<n>`: what became of the writes in the cache. */
async function cutPower({ rules, power }: Controls, [, ...words]: readonly Word[]): Promise<string> {
  const cut: Given = {};
  for (const word of words)
    readField(word, cut, powerCutSettings, { kind: 'setting of power-cut', others: [] });
  const { kept, torn, lost } = await power.cut(cut, rules.nextSeed());
  return `kept=${kept} torn=${torn} lost=${lost}`;
}

function valueOf(wanted: Field, word: Word): unknown {
  return readValue(word, wanted, word.text);
}

/** Breakpoints, and the words that stalls and delays have in place of one. Undefined: all. */
function tagOf(word: Word): string | undefined {
  return word.text === ALL ? undefined : oneTagOf(word);
}

function oneTagOf(word: Word): string {
  return word.text === STALLED || word.text === DELAYED ? word.text : (valueOf(TAG, word) as string);
}
