import { type Altitude, parseAltitude, splitWords } from '@interposer/core';
import { isScalar } from 'yaml';
import { type KeyPath, pathText } from './key-path.ts';
import type { OpenDocument } from './open-document.ts';

/** A filter's text, taken apart. */
export interface ReadFilter {
  readonly type: string;
  readonly altitude?: Altitude;
  readonly words: readonly string[];
}

/** Reads `TYPE[@ALTITUDE] ARGS`. An altitude that is none goes to the document's problems. */
export function readFilter(text: string, path: KeyPath, document: OpenDocument): ReadFilter {
  const [head = '', ...words] = splitWords(text);
  const at = head.indexOf('@');
  if (at < 0) return { type: head, words };
  const altitude = readAltitude(head.slice(at + 1), path, document);
  if (at === 0) {
    document.problems.add(
      document.data.mark(path).offset,
      `${pathText(path)} must be a filter: TYPE[@ALTITUDE] ARGUMENTS`,
    );
  }
  return { type: head.slice(0, at), words, ...(altitude === undefined ? {} : { altitude }) };
}

/** An altitude, from a text or from a number as it is written in the file: no digit of it is lost. */
export function readAltitude(
  value: string | number,
  path: KeyPath,
  document: OpenDocument,
): Altitude | undefined {
  const { node, offset } = document.data.mark(path);
  const text =
    typeof value === 'string' ? value : ((isScalar(node) ? node.source : undefined) ?? String(value));
  try {
    return parseAltitude(text);
  } catch {
    document.problems.add(
      offset,
      `${pathText(path)}: the altitude must be a decimal number such as 200000 or 200000.5`,
    );
    return undefined;
  }
}
