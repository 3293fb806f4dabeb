import { BioFlag, BioOp, OP_NAMES } from '@interposer/core';
import { decimal, flags, lengths, milliseconds, name, names, sectors, whole } from './codecs.ts';
import type { ChaosFlag, ChaosOp, ChaosRule } from './rule.ts';
import {
  type Field,
  field,
  fieldWords,
  type Given,
  put,
  readField,
  unknown,
  type Word,
  wrong,
} from './words.ts';

/** Every operation, by number. */
export const OPS: readonly ChaosOp[] = OP_NAMES as readonly ChaosOp[];

/** Ids stay small integers. */
export const MAX_ID: number = 2 ** 20;

/** Matches are counted in doubles; nobody waits for more than that. */
const MOST_MATCHES = 2 ** 50;

const times = field('times', whole(1, MOST_MATCHES));

/** In the order in which they are written, which is also that in which they are evaluated. */
const CONDITIONS: readonly Field[] = [
  field('id', whole(1, MAX_ID)),
  field('state', names),
  field('sectors', sectors),
  field('count', lengths),
  field('flags', flags),
  field('from', milliseconds),
  field('until', milliseconds),
  field('after', whole(1, MOST_MATCHES)),
  field('nth', whole(1, MOST_MATCHES)),
  field('every', whole(1, MOST_MATCHES)),
  times,
  field('probability', decimal(0, 1)),
];

/** QEMU's blkdebug: short for `times=1`. */
const ONCE = 'once';

/** New states are a setting that every action takes. */
export const newState: Field = field('new-state', name, 'newState');

/** `read,write` or `any` as operations, in their order. EINVAL. */
export function readOps(word: Word): ChaosOp[] {
  const given = word.text.split(',');
  const allowed = [...OPS, 'any'];
  for (const text of given) {
    if (!allowed.includes(text)) throw unknown({ ...word, text }, 'operation', allowed);
  }
  return given.includes('any') ? [...OPS] : OPS.filter((op) => given.includes(op));
}

/** Operations as they are written. */
export function opsWord(on: ChaosRule['on']): string {
  const all = on.includes('any') || OPS.every((op) => on.includes(op));
  return all ? 'any' : on.join(',');
}

/** Reads one condition into the rest of its rule. EINVAL for what is none, and for one that is given twice. */
export function readCondition(word: Word, rule: Given): void {
  if (word.text === ONCE) put(word, rule, times, 1);
  else readField(word, rule, CONDITIONS, { kind: 'condition', others: [ONCE, 'do'] });
}

/** The conditions of a rule as words. */
export function conditionWords(rule: ChaosRule): string[] {
  return fieldWords(CONDITIONS, rule as unknown as Given).map((word) => (word === 'times=1' ? ONCE : word));
}

/** EINVAL for conditions that no request can meet together; the word is the rule's first. */
export function checkConditions(word: Word, rule: ChaosRule, ops: readonly ChaosOp[]): void {
  const { from = 0, until = Infinity, nth, every } = rule;
  if (from >= until) throw wrong(word, `in its rule until=${until} must be later than from=${from}`);
  if (nth !== undefined && every !== undefined)
    throw wrong(word, 'its rule may have nth or every, not both: nth is one match, every is each so-manyth');
  const hasPlace = rule.sectors !== undefined || rule.count !== undefined;
  if (hasPlace && ops.every((op) => op === 'flush'))
    throw wrong(word, 'a flush has neither sectors nor count, so its rule would never match');
}

const FLAG_BITS: Readonly<Record<ChaosFlag, number>> = {
  fua: BioFlag.Fua,
  'no-unmap': BioFlag.NoUnmap,
  plain: 0,
};

/** Those conditions of a rule that tell requests apart without counting anything, ready to be asked. */
export class Conditions {
  readonly #states: readonly string[] | null;
  readonly #hasPlace: boolean;
  readonly #first: number;
  readonly #end: number;
  readonly #least: number;
  readonly #most: number;
  /** Bits of which the given ones must be set, and no other of them. */
  readonly #flagMask: number;
  readonly #flagBits: number;
  readonly #from: number;
  readonly #until: number;

  constructor({ state, sectors: place, count, flags: given = [], from = 0, until = Infinity }: ChaosRule) {
    this.#states = state === undefined ? null : typeof state === 'string' ? state.split(',') : state;
    this.#hasPlace = place !== undefined || count !== undefined;
    this.#first = place?.first ?? 0;
    this.#end = place === undefined ? Infinity : place.first + place.count;
    const lengthRange = typeof count === 'number' ? { least: count, most: count } : count;
    this.#least = lengthRange?.least ?? 0;
    this.#most = lengthRange?.most ?? Infinity;
    this.#flagBits = given.reduce((bits, flag) => bits | FLAG_BITS[flag], 0);
    this.#flagMask = given.includes('plain') ? BioFlag.Fua | BioFlag.NoUnmap : this.#flagBits;
    this.#from = from;
    this.#until = until;
  }

  /** Whether `accepts` needs to know what time it is. */
  get looksAtTime(): boolean {
    return this.#from > 0 || this.#until < Infinity;
  }

  /** Whether a request meets the rule, its operation aside; `time` is milliseconds since the start. */
  accepts(op: BioOp, sector: number, count: number, bits: number, state: string, time: number): boolean {
    if (this.#states !== null && !this.#states.includes(state)) return false;
    if (this.#hasPlace && !this.#hasSectors(op, sector, count)) return false;
    return (bits & this.#flagMask) === this.#flagBits && time >= this.#from && time < this.#until;
  }

  #hasSectors(op: BioOp, sector: number, count: number): boolean {
    if (op === BioOp.Flush) return false;
    return sector < this.#end && sector + count > this.#first && count >= this.#least && count <= this.#most;
  }
}
