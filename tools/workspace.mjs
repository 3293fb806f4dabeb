// What the tools know about the workspace: its root and its packages.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every package: `directory` (below packages/), `path`, `manifest`. */
export function readPackages() {
  const parent = join(root, 'packages');
  return readdirSync(parent)
    .sort()
    .filter((directory) => existsSync(join(parent, directory, 'package.json')))
    .map((directory) => {
      const path = join(parent, directory);
      return { directory, path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) };
    });
}

export const SCOPE = '@interposer/';

/** Packages outside the scope: the bundle, and what `npm create interposer-plugin` runs. */
export const UNSCOPED = ['interposer', 'create-interposer-plugin'];

export function isOurs(name) {
  return name.startsWith(SCOPE) || UNSCOPED.includes(name);
}

/** The workspace packages a manifest names, of the given kinds of dependency. */
export function ourDependencies(manifest, kinds) {
  const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
  return [...new Set(names)].filter(isOurs).sort();
}

export const RUNTIME = ['dependencies', 'peerDependencies', 'optionalDependencies'];
