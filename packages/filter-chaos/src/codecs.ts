import { parseSize, sizeText } from '@interposer/core';
import { ERRNOS, MAX_ERRNO, parseErrno } from './errnos.ts';
import type { ChaosFlag, LengthRange, SectorRange } from './rule.ts';

/** How one kind of value is read and written. */
export interface Codec<T> {
  /** What is allowed, for messages: "a whole number from 1 to 8". */
  readonly allowed: string;
  /** Undefined for a text that is none. */
  parse(text: string): T | undefined;
  /** A text that `parse` gives the same value for. */
  text(value: T): string;
}

/** A codec among others in a table, where nobody knows of what values it is. */
export interface AnyCodec {
  readonly allowed: string;
  parse(text: string): unknown;
  text(value: never): string;
}

const WHOLE = /^\d{1,16}$/;
const DECIMAL = /^\d+(\.\d+)?(e-?\d+)?$/;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The most words of a list, such as that of states. */
const MOST_NAMES = 64;

/** Words of `break` that mean something else in messages. */
export const RESERVED_TAGS: readonly string[] = ['all', 'delay', 'stall'];

/** Whole numbers. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  const top = most === Number.MAX_SAFE_INTEGER ? '2^53-1' : String(most);
  return {
    allowed: `a whole number from ${String(least)} to ${top}`,
    parse: (text) => inside(WHOLE.test(text) ? Number(text) : NaN, least, most),
    text: String,
  };
}

/** Numbers that may have decimals, or be written as `1e-6`. */
export function decimal(least: number, most: number): Codec<number> {
  return {
    allowed: `a number from ${String(least)} to ${String(most)}, such as 1 or 0.5`,
    parse: (text) => inside(DECIMAL.test(text) ? Number(text) : NaN, least, most),
    text: String,
  };
}

/** Milliseconds; a day at the most, which one timer of the machine can wait for. */
export const milliseconds: Codec<number> = decimal(0, 86_400_000);

/** Bytes, with K, M, G or T for powers of 1024. */
export function size(least: number, most: number): Codec<number> {
  return {
    allowed: `a size from ${sizeText(least)} to ${sizeText(most)}: bytes, or with K, M, G or T`,
    parse: (text) => inside(parseSize(text), least, most),
    text: sizeText,
  };
}

/** A name of a state. */
export const name: Codec<string> = {
  allowed: 'a name of 1 to 64 letters, digits, dots, dashes and underscores',
  parse: (text) => (NAME.test(text) ? text : undefined),
  text: (value) => value,
};

/** A name of a breakpoint. */
export const tag: Codec<string> = {
  allowed: `${name.allowed}, and none of ${RESERVED_TAGS.join(', ')}`,
  parse: (text) => (RESERVED_TAGS.includes(text) ? undefined : name.parse(text)),
  text: (value) => value,
};

/** Names of states, joined by commas. */
export const names: Codec<string | readonly string[]> = {
  allowed: 'names joined by commas, each of 1 to 64 letters, digits, dots, dashes and underscores',
  parse: (text) => {
    const list = text.split(',');
    return list.length <= MOST_NAMES && list.every((one) => NAME.test(one)) ? [...new Set(list)] : undefined;
  },
  text: (value) => (typeof value === 'string' ? value : value.join(',')),
};

/** A run of sectors: its first and how many, its first and last, or one. */
export const sectors: Codec<SectorRange> = {
  allowed: '<first>+<count>, <first>-<last> or <sector>, such as 0+2048, 0-2047 or 8',
  parse: (text) => {
    const [, from = '', sign, to = ''] = /^(\d{1,16})(?:([+-])(\d{1,16}))?$/.exec(text) ?? [];
    if (from === '') return undefined;
    const first = Number(from);
    const count = sign === '+' ? Number(to) : sign === '-' ? Number(to) - first + 1 : 1;
    return count > 0 && Number.isSafeInteger(first + count) ? { first, count } : undefined;
  },
  text: ({ first, count }) => `${String(first)}+${String(count)}`,
};

/** Lengths in sectors. */
export const lengths: Codec<number | LengthRange> = {
  allowed: '<sectors> or <least>-<most>, such as 8 or 1-8',
  parse: (text) => {
    const [, from = '', to = from] = /^(\d{1,16})(?:-(\d{1,16}))?$/.exec(text) ?? [];
    const [least, most] = [Number(from), Number(to)];
    return from !== '' && least > 0 && least <= most && Number.isSafeInteger(most)
      ? { least, most }
      : undefined;
  },
  text: (value) => {
    if (typeof value === 'number') return String(value);
    const { least, most } = value;
    return least === most ? String(least) : `${String(least)}-${String(most)}`;
  },
};

const FLAGS: readonly ChaosFlag[] = ['fua', 'no-unmap', 'plain'];

/** Flags of a request, joined by commas. */
export const flags: Codec<readonly ChaosFlag[]> = {
  allowed: `one or more of ${FLAGS.join(', ')}, joined by commas; plain alone`,
  parse: (text) => {
    const given = text.split(',');
    if (given.length > 1 && given.includes('plain')) return undefined;
    if (!given.every((flag) => (FLAGS as readonly string[]).includes(flag))) return undefined;
    return FLAGS.filter((flag) => given.includes(flag));
  },
  text: (value) => value.join(','),
};

/** An errno. */
export const errno: Codec<string | number> = {
  allowed: `${[...ERRNOS.keys()].sort().join(', ')}, or a number from 1 to ${String(MAX_ERRNO)}`,
  parse: parseErrno,
  text: String,
};

/** How far from the right place. */
export const distance: Codec<number | 'random'> = {
  allowed: '+<sectors>, -<sectors> or random',
  parse: (text) => {
    if (text === 'random') return text;
    const by = /^[+-]\d{1,16}$/.test(text) ? Number(text) : 0;
    return by !== 0 && Number.isSafeInteger(by) ? by : undefined;
  },
  text: (value) => (typeof value === 'number' && value > 0 ? `+${String(value)}` : String(value)),
};

/** Yes or no. */
export const answer: Codec<boolean> = {
  allowed: 'yes or no',
  parse: (text) => (text === 'yes' ? true : text === 'no' ? false : undefined),
  text: (value) => (value ? 'yes' : 'no'),
};

function inside(value: number, least: number, most: number): number | undefined {
  return value >= least && value <= most ? value : undefined;
}
