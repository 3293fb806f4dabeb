import { SECTOR_SIZE } from '@interposer/core';
import { answer, decimal, distance, errno, milliseconds, tag, whole } from './codecs.ts';
import { newState, OPS } from './conditions.ts';
import type { ChaosAction, ChaosOp } from './rule.ts';
import {
  type Field,
  field,
  fieldWords,
  type Given,
  readField,
  readValue,
  splitField,
  unknown,
  type Word,
  wrong,
} from './words.ts';

/** The grammar of one action: `<kind>[=<value>] [<setting>=<value>]...`. */
interface ActionForm {
  readonly kind: ChaosAction['kind'];
  /** What it can be done to. */
  readonly ops: readonly ChaosOp[];
  /** What may stand, or must, behind its name. */
  readonly value?: Field;
  readonly settings: readonly Field[];
  /** Properties that must be given. */
  readonly needs: readonly string[];
}

const CHANGES: readonly ChaosOp[] = ['write', 'discard', 'write-zeroes'];
const PLACED: readonly ChaosOp[] = ['read', ...CHANGES];

/** The most bits that rot in one request: all of a sector. */
const MOST_BITS = SECTOR_SIZE * 8;
const MOST_BYTES = 2 ** 40;

const least = 0.001;
const latencies = decimal(least, 86_400_000);

function form(
  kind: ActionForm['kind'],
  ops: readonly ChaosOp[],
  rest: Partial<Pick<ActionForm, 'value' | 'settings' | 'needs'>> = {},
): ActionForm {
  return { kind, ops, settings: [], needs: [], ...rest };
}

const FORMS: readonly ActionForm[] = [
  form('error', OPS, { value: field('error', errno, 'code') }),
  form('stall', OPS),
  form('break', OPS, { value: field('break', tag, 'tag'), needs: ['tag'] }),
  form('delay', OPS, { value: field('delay', milliseconds, 'ms'), needs: ['ms'] }),
  form('latency', OPS, {
    settings: [field('p50', latencies), field('p99', latencies), field('burst', whole(1, 2 ** 30))],
    needs: ['p50', 'p99'],
  }),
  form('torn', CHANGES, {
    value: field('torn', whole(0), 'sectors'),
    settings: [field('ack', answer)],
  }),
  form('drop', [...CHANGES, 'flush']),
  form('cache', CHANGES),
  form('power-cut', OPS, {
    settings: [field('for', milliseconds), field('keep', decimal(0, 100)), field('torn', decimal(0, 100))],
  }),
  form('misdirect', PLACED, { value: field('misdirect', distance, 'by') }),
  form('rot', ['read', 'write'], {
    settings: [field('bits', whole(1, MOST_BITS)), field('at', whole(0, MOST_BYTES))],
  }),
  form('stale', ['read']),
  form('pass', OPS),
  form('next', OPS),
];

/** The words of the message `power-cut`, which are those of the action. */
export const powerCutSettings: readonly Field[] = formOf('power-cut').settings;

/** Reads the word behind `do`. EINVAL for no action, and for one that cannot be done to all of the rule's operations. */
export function readAction(word: Word, ops: readonly ChaosOp[]): Given {
  const [kind, text] = splitField(word.text);
  const found = FORMS.find((one) => one.kind === kind);
  if (found === undefined) {
    throw unknown(
      word,
      'action',
      FORMS.map((one) => one.kind),
    );
  }
  const misfits = ops.filter((op) => !found.ops.includes(op));
  if (misfits.length > 0)
    throw wrong(word, `${kind} cannot be done to ${misfits.join(', ')}, only to ${found.ops.join(', ')}`);
  if (text === undefined && (found.value === undefined || !found.needs.includes(found.value.key)))
    return { kind };
  if (found.value === undefined) throw wrong(word, `${kind} takes no value`);
  return { kind, [found.value.key]: readValue(word, found.value, text) };
}

/** Reads one setting behind an action, into it or, if it is `new-state`, into its rule. EINVAL. */
export function readSetting(word: Word, action: Given, rule: Given): void {
  const { kind, settings } = formOf(action.kind as ChaosAction['kind']);
  const isOfRule = word.text.startsWith(`${newState.word}=`);
  readField(word, isOfRule ? rule : action, [...settings, newState], {
    kind: `setting of ${kind}`,
    others: ['on'],
  });
}

/** EINVAL for an action that lacks something, or whose settings contradict each other; the word is its own. */
export function checkAction(word: Word, action: ChaosAction): void {
  const { kind, needs, settings } = formOf(action.kind);
  const missing = needs.find((key) => (action as unknown as Given)[key] === undefined);
  if (missing !== undefined) {
    const usage = settings.map((one) => `${one.word}=<${one.codec.allowed}>`).join(' ');
    throw wrong(word, `${kind} needs ${missing}: ${kind} ${usage}`);
  }
  if (action.kind === 'latency' && action.p99 < action.p50)
    throw wrong(word, `p99=${action.p99} must be at least p50=${action.p50}`);
}

/** An action as words. */
export function actionWords(action: ChaosAction): string[] {
  const { kind, value, settings } = formOf(action.kind);
  const given = action as unknown as Given;
  const [head = kind] = value === undefined ? [] : fieldWords([value], given);
  return [head, ...fieldWords(settings, given)];
}

function formOf(kind: ChaosAction['kind']): ActionForm {
  const found = FORMS.find((one) => one.kind === kind);
  if (found === undefined) throw new TypeError(`there is no action ${kind as string}`);
  return found;
}
