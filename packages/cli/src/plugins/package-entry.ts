import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail } from '@interposer/core';

/** The fields of a package.json that say what a package is. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly interposer?: { readonly plugin?: boolean };
}

/** The package.json of a directory; undefined if there is none that can be read. */
export function readManifest(directory: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What to import for a package's directory, as a URL of its real path: the same module that an import by name gives. Node's
 * own resolution cannot be asked with another starting point without a flag.
 */
export function entryUrl(directory: string, manifest: Manifest): string {
  const entry = importCondition(manifest.exports) ?? manifest.main ?? 'index.js';
  const path = join(directory, entry);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw fail('ENOENT', `${manifest.name ?? directory} has no file ${entry}; is it built?`);
  }
  return pathToFileURL(realpathSync(path)).href;
}

const CONDITIONS = ['node', 'import', 'module-sync', 'default'];

function importCondition(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  if ('.' in exports) return importCondition(exports['.']);
  for (const [condition, value] of Object.entries(exports)) {
    if (!CONDITIONS.includes(condition)) continue;
    const found = importCondition(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
