import { AsyncLocalStorage } from 'node:async_hooks';
import { isAbsolute, resolve } from 'node:path';
import type { DriverType, PluginType } from '@interposer/core';

const directory = new AsyncLocalStorage<string>();

/**
 * Runs work for a user who stands in another directory than this process. A daemon serves many users: a relative path of
 * theirs, also one inside a table, means a file where they stand.
 */
export function inDirectory<T>(path: string, work: () => T): T {
  return directory.run(path, work);
}

/** A path as the user of the present request means it. */
export function resolveForUser(path: string): string {
  return resolve(directory.getStore() ?? process.cwd(), path);
}

const wrapped = new WeakMap<DriverType, DriverType>();

/**
 * The same type, but if it is the driver of plain paths it takes relative ones from where the user stands. Core hands every
 * device word of a table, filter or verb to that driver, so no text has to be searched for paths.
 */
export function takesUserPaths(type: PluginType): PluginType {
  if (type.kind !== 'driver' || type.takesPaths !== true) return type;
  let known = wrapped.get(type);
  if (known === undefined) {
    known = {
      ...type,
      identify: (spec, scheme) => type.identify(absolute(spec), scheme),
      open: (request) => type.open({ ...request, spec: absolute(request.spec) }),
    };
    wrapped.set(type, known);
  }
  return known;
}

/** What a device was identified by is absolute already and stays as it is. */
function absolute(spec: string): string {
  return spec === '' || isAbsolute(spec) ? spec : resolveForUser(spec);
}
