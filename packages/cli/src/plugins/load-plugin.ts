import { statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asError, fail } from '@interposer/core';
import { entryUrl, readManifest } from './package-entry.ts';
import { type Plugin, typesOf } from './plugin.ts';

/**
 * Loads the plugin that a user names: a module file, a directory with a package.json, or a package that is installed at or
 * above a directory. ENOENT if there is no such thing, EINVAL if it does not load or brings no types.
 */
export async function loadPlugin(spec: string, from: string): Promise<Plugin> {
  const path = resolve(from, spec);
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind?.isFile() === true) return importPlugin(spec, '', pathToFileURL(path).href);
  if (kind?.isDirectory() === true) return loadPackage(path);
  const directory = spec.startsWith('.') || isAbsolute(spec) ? undefined : findPackage(spec, from);
  if (directory === undefined) {
    throw fail(
      'ENOENT',
      `plugin "${spec}" is no file, directory or package that is installed at or above ${from}`,
    );
  }
  return loadPackage(directory);
}

/** Loads the package of a directory. */
export async function loadPackage(directory: string): Promise<Plugin> {
  const manifest = readManifest(directory);
  if (manifest === undefined) throw fail('ENOENT', `${directory} has no package.json that can be read`);
  const { name = directory, version = '' } = manifest;
  return importPlugin(name, version, entryUrl(directory, manifest));
}

async function importPlugin(name: string, version: string, url: string): Promise<Plugin> {
  let module: object;
  try {
    module = (await import(url)) as object;
  } catch (error) {
    throw fail('EINVAL', `plugin ${name} does not load: ${asError(error).message}`, error);
  }
  const types = typesOf(module);
  if (types.length === 0) throw fail('EINVAL', `plugin ${name} exports no target, filter or driver type`);
  return { package: name, version, types };
}

function findPackage(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const directory = join(at, 'node_modules', name);
    if (readManifest(directory) !== undefined) return directory;
    if (at === dirname(at)) return undefined;
  }
}
