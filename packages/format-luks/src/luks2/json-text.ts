import { fail } from '@interposer/core';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting is no metadata; the JSON library of cryptsetup has the same bound. */
const DEEPEST = 32;

/** The object that a JSON area holds: text up to the first NUL, and nothing but NULs behind it. EINVAL for anything else. */
export function parseJsonArea(area: Buffer): JsonObject {
  const end = area.indexOf(0);
  if (end < 0) throw fail('EINVAL', 'its JSON is not ended by a NUL');
  if (area.subarray(end).some((byte) => byte !== 0))
    throw fail('EINVAL', 'there is something behind its JSON');
  const text = decode(area.subarray(0, end));
  if (!text.startsWith('{') || !text.endsWith('}')) throw fail('EINVAL', 'its JSON is no object');
  checkDepth(text);
  try {
    return JSON.parse(text) as JsonObject;
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

/** Before it is parsed: what walks over a parsed value later is recursive. */
function checkDepth(text: string): void {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth > DEEPEST) throw fail('EINVAL', 'its JSON is nested too deeply');
  }
}
