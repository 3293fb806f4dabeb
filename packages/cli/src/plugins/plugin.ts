import { createRequire } from 'node:module';
import { isPluginType, type PluginType } from '@interposer/core';

/** A package that brings types for the registry. */
export interface Plugin {
  /** Name of the package, or the path it was loaded from. */
  readonly package: string;
  /** Version of the package; empty where it is not known. */
  readonly version: string;
  readonly types: readonly PluginType[];
}

/** What listings show of a plugin. */
export interface PluginInfo {
  readonly package: string;
  readonly version: string;
  readonly types: readonly { readonly kind: PluginType['kind']; readonly name: string }[];
}

/** The types among a module's exports, each once. */
export function typesOf(module: object): PluginType[] {
  return [...new Set(Object.values(module).filter(isPluginType))];
}

/** A plugin that a program imports itself; its version is read from its package.json, as seen from `importer` (a file URL). */
export function importedPlugin(name: string, module: object, importer: string): Plugin {
  return {
    package: name,
    // Read when it is asked for: importing a program's plugins must not touch the disk.
    get version() {
      return versionOf(name, importer);
    },
    types: typesOf(module),
  };
}

function versionOf(name: string, importer: string): string {
  try {
    const manifest = createRequire(importer)(`${name}/package.json`) as { version?: string };
    return manifest.version ?? '';
  } catch {
    return ''; // Bundled into one file: there is no package.json any more.
  }
}
