import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fromSystemError } from '@interposer/core';
import { type CrashState, type Failure, junit, reportText, type SearchResult } from '@interposer/crash-test';
import type { Settings } from './settings.ts';
import { shellWord } from './shell-word.ts';

/** What a search found, for programs. */
export function reportJson(folder: string, { base, log, check }: Settings, result: SearchResult): object {
  const { epochs, failures, seconds, ...counts } = result;
  return {
    folder,
    base,
    log,
    check,
    ...counts,
    seconds,
    statesPerSecond: perSecond(result),
    // JSON has no infinity: null for what is beyond counting.
    epochs: epochs.map(({ failure, ...epoch }) => ({ ...epoch, failure: failure?.state.id ?? null })),
    failures: failures.map(failureJson),
  };
}

function failureJson({ state, found, message, file }: Failure): object {
  return { ...stateJson(state), foundAs: found.id, message, file };
}

/** Where the power went, what the program had said, and which writes of the epoch are on the disk. */
export function stateJson({ id, epoch, hash, promises, kept, lost }: CrashState): object {
  return { id, epoch, hash, promises, kept, lost };
}

function perSecond({ explored, seconds }: SearchResult): number {
  return seconds === 0 ? 0 : explored / seconds;
}

/** The same for people, and what they can do next. */
export function reportForPeople(folder: string, cwd: string, result: SearchResult): string {
  const { failures, ended } = result;
  const lines = [
    reportText(result).trimEnd(),
    `${String(Math.round(perSecond(result)))} states/s; results in ${relative(cwd, folder)}`,
  ];
  if (ended === 'stopped') lines.push('There may be more failures: --keep-going finds them.');
  const file = failures[0]?.file;
  if (file !== undefined) {
    lines.push(
      'To see the check fail again:',
      `interposer crash-test replay ${shellWord(relative(cwd, file))}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A report as continuous integration reads it. */
export function writeJunit(path: string, settings: Settings, result: SearchResult): void {
  try {
    writeFileSync(path, junit(result, { name: settings.check }));
  } catch (error) {
    throw fromSystemError(error, path);
  }
}
