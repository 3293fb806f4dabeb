import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asError, fromSystemError, parseTable, type TableLine } from '@interposer/core';
import { CommandFailure } from './failure.ts';
import { readText } from './io.ts';
import type { Command } from './verb.ts';

/** The text of a table, and where it is from. */
export interface TableInput {
  readonly text: string;
  /** For messages, as core takes it. */
  readonly source: string;
  readonly lines: readonly TableLine[];
}

/** The longest name of a target type: the kernel's field has 16 bytes, one for the NUL. */
const MAX_TYPE = 15;

/** What the first line of a table begins with; of a file's name nobody would think it. */
const BEGINS_A_TABLE = /^\s*\d+\s+\d+\s+\S/;

/**
 * Reads the table a command is given: `--table`, an operand, or standard input. The operand is a file as with dmsetup, or,
 * where there is no such file, the table itself. Its form is checked here, as dmsetup does.
 */
export async function readTable(command: Command, operand: string | undefined): Promise<TableInput> {
  const { text, source } = await tableText(command, operand);
  const lines = checkForm(text, source);
  const long = lines.find(({ type }) => type.length > MAX_TYPE);
  if (long !== undefined) throw new CommandFailure([`Target type name ${long.type} is too long.`]);
  return { text, source, lines };
}

async function tableText(
  { options, around }: Command,
  operand: string | undefined,
): Promise<{ text: string; source: string }> {
  const given = options.get('table');
  if (given !== undefined) return { text: given, source: '' };
  if (operand === undefined) return { text: await readText(around.stdin), source: 'on stdin' };
  try {
    return { text: await readFile(resolve(around.cwd, operand), 'utf8'), source: operand };
  } catch (error) {
    if (BEGINS_A_TABLE.test(operand)) return { text: operand, source: '' };
    throw new CommandFailure([`Couldn't open '${operand}' for reading.`], {
      cause: fromSystemError(error, operand),
    });
  }
}

function checkForm(text: string, source: string): TableLine[] {
  try {
    return parseTable(text, source);
  } catch (error) {
    const { message } = asError(error);
    const dmsetups = /^Invalid format on line \d+ of table (?:on stdin|.*?)\.(?= A line is)/.exec(message);
    throw new CommandFailure([dmsetups?.[0] ?? message], { cause: error });
  }
}
