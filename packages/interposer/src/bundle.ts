import { importedPlugin, type Plugin } from '@interposer/cli';
import { createEngine, type Engine, type EngineOptions, type PluginType } from '@interposer/core';
import * as file from '@interposer/device-file';
import * as nbd from '@interposer/device-nbd';
import * as ram from '@interposer/device-ram';
import * as access from '@interposer/filter-access';
import * as chaos from '@interposer/filter-chaos';
import * as dirty from '@interposer/filter-dirty';
import * as stats from '@interposer/filter-stats';
import * as throttle from '@interposer/filter-throttle';
import * as trace from '@interposer/filter-trace';
import * as volatile from '@interposer/filter-volatile';
import * as crypt from '@interposer/target-crypt';
import * as delay from '@interposer/target-delay';
import * as dust from '@interposer/target-dust';
import * as errorPackage from '@interposer/target-error';
import * as flakey from '@interposer/target-flakey';
import * as integrity from '@interposer/target-integrity';
import * as linear from '@interposer/target-linear';
import * as logWrites from '@interposer/target-log-writes';
import * as mirror from '@interposer/target-mirror';
import * as snapshot from '@interposer/target-snapshot';
import * as striped from '@interposer/target-striped';
import * as verity from '@interposer/target-verity';
import * as zero from '@interposer/target-zero';

/** The packages of the family with their types. */
export const bundledPlugins: readonly Plugin[] = [
  importedPlugin('@interposer/device-file', file, import.meta.url),
  importedPlugin('@interposer/device-nbd', nbd, import.meta.url),
  importedPlugin('@interposer/device-ram', ram, import.meta.url),
  importedPlugin('@interposer/filter-access', access, import.meta.url),
  importedPlugin('@interposer/filter-chaos', chaos, import.meta.url),
  importedPlugin('@interposer/filter-dirty', dirty, import.meta.url),
  importedPlugin('@interposer/filter-stats', stats, import.meta.url),
  importedPlugin('@interposer/filter-throttle', throttle, import.meta.url),
  importedPlugin('@interposer/filter-trace', trace, import.meta.url),
  importedPlugin('@interposer/filter-volatile', volatile, import.meta.url),
  importedPlugin('@interposer/target-crypt', crypt, import.meta.url),
  importedPlugin('@interposer/target-delay', delay, import.meta.url),
  importedPlugin('@interposer/target-dust', dust, import.meta.url),
  importedPlugin('@interposer/target-error', errorPackage, import.meta.url),
  importedPlugin('@interposer/target-flakey', flakey, import.meta.url),
  importedPlugin('@interposer/target-integrity', integrity, import.meta.url),
  importedPlugin('@interposer/target-linear', linear, import.meta.url),
  importedPlugin('@interposer/target-log-writes', logWrites, import.meta.url),
  importedPlugin('@interposer/target-mirror', mirror, import.meta.url),
  importedPlugin('@interposer/target-snapshot', snapshot, import.meta.url),
  importedPlugin('@interposer/target-striped', striped, import.meta.url),
  importedPlugin('@interposer/target-verity', verity, import.meta.url),
  importedPlugin('@interposer/target-zero', zero, import.meta.url),
];

/** Every target, filter and driver type of the family. */
export const allTypes: readonly PluginType[] = bundledPlugins.flatMap(({ types }) => types);

/** As `EngineOptions`; `types` are those to know besides the bundled ones. */
export interface InterposerOptions extends Omit<EngineOptions, 'types'> {
  readonly types?: readonly PluginType[];
}

/** An engine that knows all bundled types. EEXIST if one of the further ones has a name that is taken. */
export function createInterposer(options: InterposerOptions = {}): Engine {
  return createEngine({ ...options, types: [...allTypes, ...(options.types ?? [])] });
}
