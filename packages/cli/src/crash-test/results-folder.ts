import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail, fromSystemError } from '@interposer/core';

/** The folder that the user names, which is made or has to be empty; else the next `crash-test-<n>` where the user stands. */
export function makeResultsFolder(cwd: string, asked: string | undefined): string {
  if (asked === undefined) return nextFolder(cwd);
  const folder = resolve(cwd, asked);
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length === 0) return folder;
  } catch (error) {
    throw fromSystemError(error, `the results folder ${asked}`);
  }
  throw fail(
    'EEXIST',
    `${asked} is not empty: --resume goes on with a search, another one needs a new folder`,
  );
}

function nextFolder(cwd: string): string {
  for (let number = 1; ; number++) {
    const folder = join(cwd, `crash-test-${String(number)}`);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw fromSystemError(error, 'the results folder');
    }
  }
}
