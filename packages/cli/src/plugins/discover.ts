import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readManifest } from './package-entry.ts';

const OWN_NAME = /^@interposer\/(?:target|filter|device)-/;
const FOREIGN_NAME = /^(?:@[^/]+\/)?interposer-plugin-/;

/** A plugin package that is installed. */
export interface FoundPlugin {
  readonly name: string;
  readonly directory: string;
}

/**
 * The plugin packages in the node_modules folders at and above each starting directory. A package is one by
 * its name (`@interposer/target-*`, `@interposer/filter-*`, `@interposer/device-*`, `interposer-plugin-*`,
 * `@scope/interposer-plugin-*`) or by `"interposer": { "plugin": true }` in its package.json. The nearest of a name counts.
 */
export function discoverPlugins(starts: readonly string[]): FoundPlugin[] {
  const found = new Map<string, string>();
  for (const folder of moduleFolders(starts)) {
    for (const name of packagesIn(folder)) {
      if (!found.has(name) && isPlugin(name, join(folder, name))) found.set(name, join(folder, name));
    }
  }
  return [...found.keys()].sort().map((name) => ({ name, directory: found.get(name)! }));
}

function moduleFolders(starts: readonly string[]): Set<string> {
  const folders = new Set<string>();
  for (const start of starts) {
    for (let at = start; ; at = dirname(at)) {
      if (basename(at) === 'node_modules') folders.add(at);
      else folders.add(join(at, 'node_modules'));
      if (at === dirname(at)) break;
    }
  }
  return folders;
}

function packagesIn(folder: string): string[] {
  return namesIn(folder).flatMap((name) =>
    name.startsWith('@') ? namesIn(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return []; // No such folder, which is the usual case.
  }
}

function isPlugin(name: string, directory: string): boolean {
  if (OWN_NAME.test(name) || FOREIGN_NAME.test(name)) return true;
  return readManifest(directory)?.interposer?.plugin === true;
}
