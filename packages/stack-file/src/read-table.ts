import { asError, checkLayout, parseTable, type TableLine } from '@interposer/core';
import { isScalar } from 'yaml';
import { type KeyPath, pathText } from './key-path.ts';
import type { OpenDocument } from './open-document.ts';

/** A table as text and line by line. */
export interface ReadTable {
  readonly text: string;
  readonly lines: readonly TableLine[];
}

/**
 * A table that is one text, or a list of lines. What is wrong with a line, or with how they follow one another, goes to the
 * document's problems; whether targets take their arguments is for the engine to say.
 */
export function readTable(
  value: string | readonly string[],
  path: KeyPath,
  document: OpenDocument,
): ReadTable {
  const { problems } = document;
  const written = linesOf(value, path, document);
  const sound = written.filter(({ text, offset, path }) => {
    if (isLine(text)) return true;
    problems.add(offset, `${pathText(path)} must be a table line: START LENGTH TARGET ARGUMENTS`);
    return false;
  });
  const text = written.map((line) => line.text).join('\n');
  if (sound.length < written.length) return { text, lines: [] };
  const lines = parseTable(text);
  try {
    checkLayout(lines);
  } catch (error) {
    const { message } = asError(error);
    const number = /^table line (\d+): /.exec(message)?.[1] ?? '1';
    problems.add(written[Number(number) - 1]!.offset, `${pathText(path)}: ${message}`);
  }
  return { text, lines };
}

interface WrittenLine {
  readonly text: string;
  readonly offset: number;
  readonly path: KeyPath;
}

function linesOf(value: string | readonly string[], path: KeyPath, document: OpenDocument): WrittenLine[] {
  if (typeof value !== 'string') {
    return value.flatMap((line, index) => linesOf(line, [...path, index], document));
  }
  const { node, offset } = document.data.mark(path);
  const { source } = document;
  // Each line of a literal block is a line of the file; other forms are taken as a whole.
  const isLiteral = isScalar(node) && node.type === 'BLOCK_LITERAL';
  return value.split('\n').map((text, index) => ({
    text,
    offset: isLiteral ? source.startOfLine(source.lineAt(offset) + 1 + index) : offset,
    path,
  }));
}

function isLine(text: string): boolean {
  try {
    parseTable(text);
    return true;
  } catch {
    return false;
  }
}
