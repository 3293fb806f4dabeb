import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { asError, fail, fromSystemError } from '@interposer/core';
import type { Settings } from './settings.ts';

/** Its name in a results folder. */
export const SETTINGS_FILE = 'crash-test.json';

/** The version of the file's form. */
const VERSION = 1;

/** Writes down what a search is about, so that it can be resumed. Paths are kept relative: a folder may be moved as a whole. */
export function saveSettings(folder: string, { base, log, ...rest }: Settings): void {
  const text = JSON.stringify(
    { version: VERSION, base: relative(folder, base), log: relative(folder, log), ...rest },
    null,
    2,
  );
  try {
    writeFileSync(join(folder, SETTINGS_FILE), `${text}\n`);
  } catch (error) {
    throw fromSystemError(error, `the settings of the search in ${folder}`);
  }
}

/** What `saveSettings` wrote. ENOENT where it did not, EINVAL for what cannot be read. */
export function loadSettings(folder: string): Settings {
  const path = join(folder, SETTINGS_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `${folder} is no folder of crash-test`);
  }
  let settings: Settings & { readonly version: number };
  try {
    settings = JSON.parse(text) as typeof settings;
  } catch (error) {
    throw fail('EINVAL', `${path} cannot be read: ${asError(error).message}`, error);
  }
  const { version, base, log, ...rest } = settings;
  if (version !== VERSION) throw fail('EINVAL', `${path} is of version ${String(version)}; only 1 is known`);
  return { ...rest, base: resolve(folder, base), log: resolve(folder, log) };
}
