import { fail, type InterposerError } from '@interposer/core';
import type { AnyCodec, Codec } from './codecs.ts';

/** A word that a user wrote, and where it stands: from 1. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

/** A `key=value` of a rule: the word for it, and the property of the rule that it gives. */
export interface Field {
  readonly word: string;
  readonly key: string;
  readonly codec: AnyCodec;
}

/** A field with its codec. The type of its values is checked where the property is declared: in `rule.ts`. */
export function field<T>(word: string, codec: Codec<T>, key: string = word): Field {
  return { word, key, codec };
}

/** EINVAL that tells which word, where it stands, and what is wrong with it. */
export function wrong({ text, at }: Word, what: string): InterposerError {
  return fail('EINVAL', `filter chaos: word ${String(at)} "${text}": ${what}`);
}

/** EINVAL for a word that is none of those allowed in its place, with the one that was meant, if there is one so near. */
export function unknown(word: Word, kind: string, allowed: readonly string[]): InterposerError {
  const [given = ''] = word.text.split('=');
  const near = nearest(given, allowed);
  const hint = near === undefined ? '.' : `; did you mean ${near}?`;
  return wrong(word, `no such ${kind}${hint} Allowed: ${allowed.join(', ')}`);
}

/** Properties that are being read. */
export type Given = Record<string, unknown>;

/**
 * Reads `key=value` into the property of its field. EINVAL for a key that is none of the fields', which may be followed by
 * other words too; for one that is given twice; and for a value that is not allowed.
 */
export function readField(
  word: Word,
  into: Given,
  fields: readonly Field[],
  place: { readonly kind: string; readonly others: readonly string[] },
): void {
  const [key, text] = splitField(word.text);
  const found = fields.find((one) => one.word === key);
  if (found === undefined)
    throw unknown(word, place.kind, [...fields.map((one) => one.word), ...place.others]);
  put(word, into, found, readValue(word, found, text));
}

/** Sets a property that must not be set yet. EINVAL. */
export function put(word: Word, into: Given, { key, word: name }: Field, value: unknown): void {
  if (into[key] !== undefined) throw wrong(word, `${name} is given twice`);
  into[key] = value;
}

/** The value of a field, read from what stands behind the `=` of a word. EINVAL that says what is allowed. */
export function readValue(word: Word, { codec }: Field, text: string | undefined): unknown {
  const value = text === undefined ? undefined : codec.parse(text);
  if (value === undefined) {
    const given = text === undefined || text === '' ? 'a value is missing' : `"${text}" is not allowed`;
    throw wrong(word, `${given}: must be ${codec.allowed}`);
  }
  return value;
}

/** `key=value` as its two parts; the value is undefined where there is no `=`. */
export function splitField(text: string): [key: string, value: string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** `key=value` for each field that is given, in the order of the table. */
export function fieldWords(fields: readonly Field[], values: Readonly<Record<string, unknown>>): string[] {
  return fields
    .filter(({ key }) => values[key] !== undefined)
    .map(({ word, key, codec }) => `${word}=${codec.text(values[key] as never)}`);
}

/** The candidate with the fewest changes to a word, or that begins with it; undefined if none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const begun = candidates.filter((candidate) => word.length > 1 && candidate.startsWith(word));
  if (begun.length === 1) return begun[0];
  const close = candidates
    .map((candidate) => ({ candidate, changes: changesBetween(word, candidate) }))
    .filter(({ candidate, changes }) => changes <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.changes - b.changes);
  return close[0]?.candidate;
}

/** Letters to insert, remove or replace: the distance of Levenshtein. */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced));
    }
    row = next;
  }
  return row[b.length]!;
}
