import { MAX_SECTORS } from './constants.ts';
import { fail } from './errors.ts';

/** One line of a table: a run of sectors and the target that serves it. */
export interface TableLine {
  /** First sector. */
  readonly start: number;
  /** Sectors. */
  readonly length: number;
  /** Name of the target type. */
  readonly type: string;
  /** The target's arguments. */
  readonly words: readonly string[];
  /** Where it stands in the text, from 1. */
  readonly line: number;
}

const LINE = /^(\d+)\s+(\d+)\s+(\S+)(?:\s+(.*))?$/s;

/**
 * Reads a table as `dmsetup` does: a target a line, blanks in front ignored, empty lines and lines that begin with `#`
 * skipped, and a word that begins with `#` ends the line. `source` is for the message: a file's path, `on stdin`, or nothing.
 */
export function parseTable(text: string, source = ''): TableLine[] {
  const lines: TableLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    lines.push(parseLine(trimmed, index + 1, source));
  }
  return lines;
}

function parseLine(text: string, line: number, source: string): TableLine {
  const match = LINE.exec(text.replace(/\s#.*$/s, '').trimEnd());
  if (match === null) {
    const where = source === 'on stdin' ? 'of table on stdin.' : `of table ${source}.`;
    throw fail(
      'EINVAL',
      `Invalid format on line ${String(line)} ${where} A line is: START LENGTH TARGET [ARGUMENTS]`,
    );
  }
  const [, start = '', length = '', type = '', params = ''] = match;
  return { start: Number(start), length: Number(length), type, words: splitWords(params), line };
}

/** Words between white space; a backslash makes the next character an ordinary one. */
export function splitWords(text: string): string[] {
  const words = text.match(/(?:\\.|[^\s\\])+/gs) ?? [];
  return words.map((word) => word.replace(/\\(.)/gs, '$1'));
}

/** A word as it must be written so that `splitWords` gives it back. */
export function quoteWord(word: string): string {
  return word.replace(/[\s\\]/g, '\\$&');
}

/** Throws EINVAL unless the lines cover one run of sectors from 0 on without gap or overlap. Kernel: dm_table_add_target. */
export function checkLayout(lines: readonly TableLine[]): void {
  if (lines.length === 0) throw fail('EINVAL', 'the table is empty: at least one line is needed');
  let end = 0;
  for (const { start, length, type, line } of lines) {
    const where = `table line ${String(line)}: ${type}: `;
    if (length === 0) throw fail('EINVAL', `${where}zero-length target`);
    if (start + length > MAX_SECTORS)
      throw fail('EINVAL', `${where}too large device: at most 2^53-1 sectors`);
    if (start !== end) {
      throw fail(
        'EINVAL',
        `${where}Gap in table: starts at sector ${String(start)}, must start at ${String(end)}`,
      );
    }
    end = start + length;
  }
}
