import { fail } from '@interposer/core';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting is no metadata; the JSON library of cryptsetup has the same bound. */
const DEEPEST = 32;

/** What a JSON area holds. */
export interface JsonArea {
  readonly json: JsonObject;
  /** A number in it that JavaScript cannot hold: it would be another one if the metadata were written again. */
  readonly lostNumber?: string;
}

/** The object that a JSON area holds: text up to the first NUL, and nothing but NULs behind it. EINVAL for anything else. */
export function parseJsonArea(area: Buffer): JsonArea {
  const end = area.indexOf(0);
  if (end < 0) throw fail('EINVAL', 'its JSON is not ended by a NUL');
  if (area.subarray(end).some((byte) => byte !== 0))
    throw fail('EINVAL', 'there is something behind its JSON');
  const text = decode(area.subarray(0, end));
  if (!text.startsWith('{') || !text.endsWith('}')) throw fail('EINVAL', 'its JSON is no object');
  const bare = withoutStrings(text);
  checkDepth(bare);
  const lostNumber = findLost(bare);
  try {
    const json = JSON.parse(text) as JsonObject;
    return lostNumber === undefined ? { json } : { json, lostNumber };
  } catch (error) {
    throw fail('EINVAL', 'its JSON cannot be read', error);
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw fail('EINVAL', 'its JSON is not UTF-8', error);
  }
}

/** JSON without its strings, which can hold anything. It takes time in proportion to the text, whatever stands there. */
function withoutStrings(text: string): string {
  const parts: string[] = [];
  let start = 0;
  for (let quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', start)) {
    parts.push(text.slice(start, quote));
    start = endOfString(text, quote + 1);
  }
  return [...parts, text.slice(start)].join(' ');
}

/** Behind the quote that ends a string; behind everything if none does. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Before it is parsed: what walks over a parsed value later is recursive. */
function checkDepth(bare: string): void {
  let depth = 0;
  for (const [token] of bare.matchAll(/[[\]{}]/g)) {
    depth += token === '{' || token === '[' ? 1 : -1;
    if (depth > DEEPEST) throw fail('EINVAL', 'its JSON is nested too deeply');
  }
}

function findLost(bare: string): string | undefined {
  for (const [number] of bare.matchAll(/-?\d[\d.eE+-]*/g)) {
    if (/^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number))) return number;
  }
  return undefined;
}
