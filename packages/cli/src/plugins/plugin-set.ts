import { asError, fail, isInterposerError, type PluginType, Registry } from '@interposer/core';
import { takesUserPaths } from '../working-directory.ts';
import { discoverPlugins } from './discover.ts';
import { loadPackage, loadPlugin } from './load-plugin.ts';
import type { Plugin, PluginInfo } from './plugin.ts';

/** Where plugins come from. */
export interface PluginSources {
  /** Those the program brings itself. */
  readonly bundled: readonly Plugin[];
  /** Those the user names: paths or package names. */
  readonly named: readonly string[];
  /** Where names and relative paths are looked up. */
  readonly from: string;
  /** Directories at and above which installed plugins are looked for. */
  readonly discoverFrom: readonly string[];
}

/** The plugins in use. One that fails is reported in `problems` and stops no other. */
export class PluginSet {
  readonly problems: string[] = [];
  readonly #plugins: Plugin[] = [];
  readonly #register: (types: readonly PluginType[]) => void;

  /** `register` puts types into a registry, all or none; it throws where one is refused. */
  constructor(register: (types: readonly PluginType[]) => void) {
    this.#register = register;
  }

  list(): PluginInfo[] {
    return this.#plugins.map(({ types, ...rest }) => ({
      ...rest,
      types: types.map(({ kind, name }) => ({ kind, name })),
    }));
  }

  /** Takes a plugin in. EAPI if it was built for another core, EEXIST if a name is taken. */
  add(plugin: Plugin): void {
    if (this.#plugins.some((known) => known.types === plugin.types)) return;
    try {
      this.#register(plugin.types.map(takesUserPaths));
    } catch (error) {
      if (!isInterposerError(error)) throw error;
      throw fail(error.code, `plugin ${plugin.package}: ${error.message}`, error);
    }
    this.#plugins.push(plugin);
  }

  /** Loads one that the user names while the program runs. */
  async load(spec: string, from: string): Promise<PluginInfo> {
    const plugin = await loadPlugin(spec, from);
    const known = this.list().find((one) => one.package === plugin.package);
    if (known !== undefined) return known;
    this.add(plugin);
    return this.list().at(-1)!;
  }

  /** What the user names goes before what is bundled, and that before what is found. */
  async fill(sources: PluginSources): Promise<void> {
    for (const spec of sources.named) await this.#try(() => loadPlugin(spec, sources.from));
    for (const plugin of sources.bundled) await this.#try(() => Promise.resolve(plugin));
    for (const { name, directory } of discoverPlugins(sources.discoverFrom)) {
      // A package that is there already, bundled or named, is not looked at again.
      if (!this.#has(name)) await this.#try(() => loadPackage(directory));
    }
  }

  #has(name: string): boolean {
    return this.#plugins.some((known) => known.package === name);
  }

  async #try(load: () => Promise<Plugin>): Promise<void> {
    try {
      const plugin = await load();
      if (!this.#has(plugin.package)) this.add(plugin);
    } catch (error) {
      this.problems.push(asError(error).message);
    }
  }
}

/** Puts types into a registry, all or none. */
export function registerAll(registry: Registry): (types: readonly PluginType[]) => void {
  return (types) => {
    const trial = new Registry().add(...registry.targets(), ...registry.filters(), ...registry.drivers());
    trial.add(...types);
    registry.add(...types);
  };
}
