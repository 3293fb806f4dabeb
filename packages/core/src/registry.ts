import { API_VERSION } from './constants.ts';
import type { DriverType } from './driver.ts';
import { fail } from './errors.ts';
import type { FilterType } from './filter.ts';
import type { TargetType } from './target.ts';

/** Anything a plugin package exports for a registry. */
export type PluginType = TargetType | FilterType | DriverType;

/** Names of targets, filters and drivers: at most 15 characters, as the kernel's field for target types allows. */
const NAME = /^[a-z][a-z0-9-]{0,14}$/;

/** The types a program has chosen to use. Nothing registers itself. */
export class Registry {
  readonly #targets = new Map<string, TargetType>();
  readonly #filters = new Map<string, FilterType>();
  readonly #drivers = new Map<string, DriverType>();

  /** EAPI for a type that was built for another core, EEXIST for a name that is taken, EINVAL for a bad name. */
  add(...types: readonly PluginType[]): this {
    for (const type of types) this.#addOne(type);
    return this;
  }

  target(name: string): TargetType | undefined {
    return this.#targets.get(name);
  }

  filter(name: string): FilterType | undefined {
    return this.#filters.get(name);
  }

  /** The driver that lists a scheme. */
  driver(scheme: string): DriverType | undefined {
    return this.drivers().find((type) => type.schemes.includes(scheme));
  }

  /** The driver of plain paths. */
  pathDriver(): DriverType | undefined {
    return this.drivers().find((type) => type.takesPaths === true);
  }

  /** In order of name. */
  targets(): TargetType[] {
    return sorted(this.#targets);
  }

  /** In order of name. */
  filters(): FilterType[] {
    return sorted(this.#filters);
  }

  /** In order of name. */
  drivers(): DriverType[] {
    return sorted(this.#drivers);
  }

  #addOne(type: PluginType): void {
    if (type.api !== API_VERSION) {
      throw fail(
        'EAPI',
        `${type.kind} "${type.name}" was built for core interface ${String(type.api)}; this core has ${String(API_VERSION)}`,
      );
    }
    if (!NAME.test(type.name)) {
      throw fail(
        'EINVAL',
        `"${type.name}" is no name for a ${type.kind}: at most 15 of a-z, 0-9 and -, a letter first`,
      );
    }
    if (type.kind === 'target') put(this.#targets, type);
    else if (type.kind === 'filter') put(this.#filters, type);
    else put(this.#drivers, type);
  }
}

function put<T extends PluginType>(types: Map<string, T>, type: T): void {
  const known = types.get(type.name);
  if (known === type) return;
  if (known !== undefined)
    throw fail('EEXIST', `a ${type.kind} of the name "${type.name}" is registered already`);
  types.set(type.name, type);
}

function sorted<T extends PluginType>(types: ReadonlyMap<string, T>): T[] {
  return [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether an export of a plugin package is a type for the registry. */
export function isPluginType(value: unknown): value is PluginType {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, api, name } = value as Partial<PluginType>;
  return (
    (kind === 'target' || kind === 'filter' || kind === 'driver') &&
    typeof api === 'number' &&
    typeof name === 'string'
  );
}
