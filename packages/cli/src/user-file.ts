import { isAbsolute, relative, resolve } from 'node:path';
import process from 'node:process';
import type { Command } from './verb.ts';

/** A file that the user names, as a path this process can open. Messages show it: as the user wrote it, where that is one. */
export function userFile({ around }: Command, file: string): string {
  return isAbsolute(file) ? file : relative(process.cwd(), resolve(around.cwd, file));
}
