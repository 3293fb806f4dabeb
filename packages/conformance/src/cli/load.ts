import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asError, fail, isPluginType, type PluginType, Registry } from '@interposer/core';
import { deviceSuite } from '../device-suite.ts';
import { filterSuite } from '../filter-suite.ts';
import type { DevicePlug, FilterPlug, TargetPlug } from '../plugs.ts';
import type { TestRunner } from '../runner.ts';
import { countDevices, fillTemplate } from '../target-rig.ts';
import { targetSuite } from '../target-suite.ts';

/** A plugin type with its suite, or the reason why there is none. */
export interface Loaded {
  readonly type: PluginType;
  readonly register: ((runner: TestRunner) => void) | string;
}

/** What a module tells about its types, by name of the type. */
type Hints = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Loads a module and finds the suites for the types it exports. ENOENT if it cannot be loaded, EINVAL if it exports none or
 * one of a bad name, EAPI for a type that was built for another core.
 */
export async function loadSuites(
  module: string,
  directory: string,
  table: string | undefined,
): Promise<Loaded[]> {
  const exported = await importModule(module, directory);
  const types = new Set(Object.values(exported).filter(isPluginType));
  if (types.size === 0) throw fail('EINVAL', `${module} exports no target, filter or driver type`);
  // What no registry takes would fail every case with the same reason.
  for (const type of types) new Registry().add(type);
  const hints = (exported.conformance ?? {}) as Hints;
  return [...types].map((type) => ({ type, register: suiteFor(type, hints[type.name] ?? {}, table) }));
}

async function importModule(module: string, directory: string): Promise<Record<string, unknown>> {
  const isPath = /^[./]|\.[cm]?[jt]s$/.test(module);
  try {
    const path = isPath
      ? resolve(directory, module)
      : createRequire(join(directory, 'package.json')).resolve(module);
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw fail('ENOENT', `cannot load ${module}: ${asError(error).message}`, error);
  }
}

function suiteFor(type: PluginType, hints: object, table: string | undefined): Loaded['register'] {
  if (type.kind === 'filter')
    return (runner) => filterSuite(runner, { type, ...(hints as Partial<FilterPlug>) });
  if (type.kind === 'target') {
    const plug: TargetPlug = { type, ...hints, ...templatePlug(table) };
    return (runner) => targetSuite(runner, plug);
  }
  const { create } = hints as Partial<DevicePlug>;
  if (create === undefined)
    return `how to make a device of it is not known: export conformance.${type.name}.create from the module`;
  return (runner) => deviceSuite(runner, { type, create, ...hints });
}

function templatePlug(table: string | undefined): Partial<TargetPlug> {
  if (table === undefined) return {};
  return { devices: countDevices(table), table: (devices) => fillTemplate(table, devices) };
}
