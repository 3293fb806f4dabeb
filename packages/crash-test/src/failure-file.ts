import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, fromSystemError, type Port } from '@interposer/core';
import { BaseImage } from './base-image.ts';
import type { CrashState } from './crash-state.ts';
import { walkEpochs } from './epoch-states.ts';
import { type Epoch, type History, readHistory } from './history.ts';
import type { LogWrite } from './log-write.ts';
import type { Piece } from './selection.ts';
import type { Tear } from './tears.ts';

const FORMAT = 'interposer-crash-failure';
const VERSION = 1;

/** A device that a state is made of. */
export interface FailureSource {
  /** What it was called; it may be called otherwise now. */
  readonly name: string;
  /** SHA-256 of its content, in hexadecimal digits. */
  readonly hash: string;
}

/** A write of which something is on the disk. */
export interface FailurePiece {
  /** Number of its entry in the log. */
  readonly entry: number;
  /** The sectors that are there, as runs `[from, to)` from the start of the write; null: all of it. */
  readonly torn: Tear | null;
}

/** A state that a check did not pass: all that is needed to make it again from the log and the base. */
export interface FailureFile {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** Id of the state. */
  readonly id: string;
  readonly log: FailureSource;
  readonly base: FailureSource;
  readonly epoch: number;
  /** Of the epoch, in the order of the log. */
  readonly kept: readonly FailurePiece[];
  /** Texts of the marks that were logged before the crash. */
  readonly promises: readonly string[];
  /** Hash of the content of the state. */
  readonly hash: string;
  /** What the check said. */
  readonly message: string;
}

/** Where states come from. */
export interface Sources {
  readonly log: FailureSource;
  readonly base: FailureSource;
}

/** Writes a failure into a folder that is there; answers the path. */
export async function saveFailure(
  folder: string,
  { id, epoch, promises, hash, selection }: CrashState,
  { log, base }: Sources,
  message: string,
): Promise<string> {
  const kept = selection.pieces.map(({ write, tear }) => ({ entry: write.entry, torn: tear }));
  const file: FailureFile = {
    format: FORMAT,
    version: VERSION,
    ...{ id, log, base, epoch, kept, promises, hash, message },
  };
  const path = join(folder, `failure-${id}.json`);
  try {
    await writeFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
  } catch (error) {
    throw fromSystemError(error, path);
  }
  return path;
}

/** Reads a failure that a search wrote. ENOENT where there is none, EINVAL for any other file. */
export async function loadFailure(path: string): Promise<FailureFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, path);
  }
  const value = parse(text);
  if (!isFailureFile(value)) throw fail('EINVAL', `${path} is no failure of a crash test that is known here`);
  return value;
}

/**
 * Makes the state of a failure again. Both ports must stay open while it is used. EINVAL where the log or the base is another
 * one, or the file was changed.
 */
export async function stateOf(failure: FailureFile, base: Port, log: Port): Promise<CrashState> {
  const image = await BaseImage.open(base);
  const history = await readHistory(log, image.sectors);
  expectSame('log', failure.log, history.hash, log);
  expectSame('base', failure.base, image.hash, base);
  const state = await makeAgain(failure, image, history);
  const same = state?.hash === failure.hash && state.promises.join('\n') === failure.promises.join('\n');
  if (!same) throw fail('EINVAL', `${failure.id} cannot be made again: the file was changed`);
  return state;
}

async function makeAgain(
  failure: FailureFile,
  image: BaseImage,
  history: History,
): Promise<CrashState | undefined> {
  const piecesOf = (epoch: Epoch): Piece[] =>
    failure.kept.flatMap(({ entry, torn }) => {
      const write = epoch.writes.find((one) => one.entry === entry);
      return write === undefined ? [] : [{ write, tear: torn }];
    });
  const tearsOf = (epoch: Epoch): Map<LogWrite, readonly Tear[]> => {
    const pieces = epoch.number === failure.epoch ? piecesOf(epoch) : [];
    const torn = new Map(pieces.map(({ write, tear }) => [write, tear] as const));
    return new Map(
      epoch.writes.map((write) => {
        const tear = torn.get(write);
        return [write, tear === undefined || tear === null ? [] : [tear]];
      }),
    );
  };
  for await (const states of walkEpochs(image, history, tearsOf)) {
    if (states.epoch.number !== failure.epoch) continue;
    return states.state({ pieces: piecesOf(states.epoch), promised: failure.promises.length });
  }
  return undefined;
}

function expectSame(what: string, { name, hash }: FailureSource, found: string, { device }: Port): void {
  if (hash === found) return;
  throw fail('EINVAL', `${device.name} is not the ${what} of this failure, which was called ${name}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFailureFile(value: unknown): value is FailureFile {
  if (!isRecord(value)) return false;
  const { format, version, id, log, base, epoch, kept, promises, hash, message } = value;
  return (
    format === FORMAT &&
    version === VERSION &&
    [id, hash, message].every(isText) &&
    [log, base].every((source) => isRecord(source) && isText(source.name) && isText(source.hash)) &&
    isPlace(epoch) &&
    Array.isArray(kept) &&
    kept.every(isPiece) &&
    Array.isArray(promises) &&
    promises.every(isText)
  );
}

function isPiece(value: unknown): boolean {
  return isRecord(value) && isPlace(value.entry) && (value.torn === null || isTear(value.torn));
}

function isTear(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((run: unknown) => Array.isArray(run) && run.length === 2 && run.every(isPlace))
  );
}

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
