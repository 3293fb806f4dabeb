import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, fromSystemError, isInterposerError } from '@interposer/core';
import type { Verdict } from './check.ts';

/** Name of the file in a results folder. */
const FILE = 'verdicts.jsonl';

const FORMAT = 'interposer-crash-verdicts';
const VERSION = 1;

/** What verdicts are about: those on something else are of no use. */
export interface JournalHeader {
  /** Hashes of the log and of the base. */
  readonly log: string;
  readonly base: string;
  /** Bytes that a disk writes whole. */
  readonly unit: number;
  /** What the check is. */
  readonly check: string;
}

/** A line of the file behind the first. */
interface Line {
  readonly state: string;
  readonly promised: number;
  readonly message?: string;
}

/**
 * The verdicts of a search in a file, a line of JSON each, behind a line that says what they are about. A verdict is in the file
 * before the search goes on, so that a search that was broken off can be continued.
 */
export class Journal {
  readonly #file: FileHandle;
  readonly #verdicts = new Map<string, Verdict>();
  #last: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Opens the file in a folder, or makes both. EEXIST where the folder has verdicts about something else, EINVAL where the file
   * is none of ours or is damaged. A last line that was not finished is dropped.
   */
  static async open(folder: string, header: JournalHeader): Promise<Journal> {
    const path = join(folder, FILE);
    try {
      await mkdir(folder, { recursive: true });
      const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND);
      const journal = new Journal(file);
      try {
        await journal.#load(path, header);
        return journal;
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw isInterposerError(error) ? error : fromSystemError(error, path);
    }
  }

  /** What was found of a content under so many promises, if anything was. */
  verdict(hash: string, promised: number): Verdict | undefined {
    return this.#verdicts.get(keyOf(hash, promised));
  }

  /** Resolves when it is in the file. */
  record(hash: string, promised: number, verdict: Verdict): Promise<void> {
    this.#verdicts.set(keyOf(hash, promised), verdict);
    const line: Line = { state: hash, promised, ...(verdict.ok ? {} : { message: verdict.message }) };
    return this.#append(line);
  }

  /** After the last record has ended. */
  close(): Promise<void> {
    return this.#file.close();
  }

  /** One line after the other, whole. Behind one that failed there is none, for a part of it may be in the file. */
  #append(line: object): Promise<void> {
    this.#last = this.#last.then(() => this.#file.appendFile(`${JSON.stringify(line)}\n`));
    return this.#last;
  }

  async #load(path: string, header: JournalHeader): Promise<void> {
    const text = await this.#file.readFile('utf8');
    const complete = text.slice(0, text.lastIndexOf('\n') + 1);
    if (complete.length < text.length) await this.#file.truncate(Buffer.byteLength(complete));
    const [first, ...lines] = complete.split('\n').slice(0, -1);
    if (first === undefined) {
      await this.#append({ format: FORMAT, version: VERSION, ...header });
      return;
    }
    checkHeader(parse(first, path, 1), header, path);
    for (const [index, line] of lines.entries()) this.#take(parse(line, path, index + 2), path, index + 2);
  }

  #take(line: Readonly<Record<string, unknown>>, path: string, number: number): void {
    const { state, promised, message } = line;
    if (typeof state !== 'string' || typeof promised !== 'number') throw damaged(path, number);
    const verdict: Verdict = typeof message === 'string' ? { ok: false, message } : { ok: true };
    this.#verdicts.set(keyOf(state, promised), verdict);
  }
}

function keyOf(hash: string, promised: number): string {
  return `${hash} ${String(promised)}`;
}

function parse(line: string, path: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw damaged(path, number);
}

function damaged(path: string, number: number): Error {
  return fail('EINVAL', `${path} is damaged: line ${String(number)} cannot be read`);
}

const ABOUT = { log: 'log', base: 'base image', unit: 'unit of tears', check: 'check' } as const;

function checkHeader(found: Readonly<Record<string, unknown>>, header: JournalHeader, path: string): void {
  if (found.format !== FORMAT || found.version !== VERSION)
    throw fail('EINVAL', `${path} holds no verdicts of a crash test that are known here`);
  for (const [key, what] of Object.entries(ABOUT)) {
    if (found[key] === header[key as keyof JournalHeader]) continue;
    throw fail(
      'EEXIST',
      `${path} has the verdicts of another ${what}: use another folder, or remove it to begin again`,
    );
  }
}
