import { readdirSync, readFileSync } from 'node:fs';
import { fail } from '@interposer/core';
import type { VectorFile } from './vectors/case.ts';

// Of this file and of the built one alike.
const FOLDER = new URL('../vectors/generated/', import.meta.url);
const EXTENSION = '.json';

/** The groups of cases that were recorded from a kernel: those of single target types have their name. */
export function vectorGroups(): string[] {
  return readdirSync(FOLDER)
    .map((name) => name.slice(0, -EXTENSION.length))
    .sort();
}

/** The cases of a group. ENOENT where there is none of that name. */
export function readVectors(group: string): VectorFile {
  const groups = vectorGroups();
  if (!groups.includes(group)) throw fail('ENOENT', `no vectors "${group}"; there are: ${groups.join(', ')}`);
  return JSON.parse(readFileSync(new URL(`${group}${EXTENSION}`, FOLDER), 'utf8')) as VectorFile;
}
