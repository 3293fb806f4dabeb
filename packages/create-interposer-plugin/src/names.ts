import { createHash } from 'node:crypto';
import { Refusal } from './errors.ts';
import type { Kind } from './kinds.ts';

/** The registry's rule for names of types: at most 15 characters, as the kernel's field for target types allows. */
const NAME = /^[a-z][a-z0-9-]{0,14}$/;

/** What npm takes as a scope. */
const SCOPE = /^@[a-z0-9~-][a-z0-9._~-]*$/;

/** In the middle of the policy band (docs/altitudes.md), where a limit to what is written belongs. */
const FILTER_BAND = '350000';

/** All forms in which the name of a plugin occurs in its package. */
export interface Names {
  /** Name of the type, e.g. `write-limit`. */
  readonly name: string;
  /** The same as the beginning of an identifier, e.g. `writeLimit`. */
  readonly identifier: string;
  /** The same as the beginning of a class name, e.g. `WriteLimit`. */
  readonly className: string;
  /** Name of the package, e.g. `@me/interposer-plugin-write-limit`: one the command finds where it is installed. */
  readonly packageName: string;
  /** A default altitude that hardly any other filter has. */
  readonly altitude: string;
}

/** Throws a Refusal for a name that no type can have, or that would collide with a name of core. */
export function checkName(name: string, kind: Kind): void {
  if (!NAME.test(name)) {
    throw new Refusal(`"${name}" is no name for a ${kind}: at most 15 of a-z, 0-9 and -, a letter first`);
  }
  if (name === 'define') {
    throw new Refusal(
      `"define" is no name for a ${kind}: its code would have the name of a function of core`,
    );
  }
}

/** Throws a Refusal for what npm does not take as a scope. */
export function checkScope(scope: string): void {
  if (!SCOPE.test(scope)) throw new Refusal(`"${scope}" is no npm scope: it looks like @me`);
}

/** The forms of a checked name, in a checked scope or in none. */
export function namesOf(name: string, scope: string | undefined): Names {
  const identifier = name.replace(/-+(.?)/g, (_, next: string) => next.toUpperCase());
  const unscoped = `interposer-plugin-${name}`;
  const packageName = scope === undefined ? unscoped : `${scope}/${unscoped}`;
  return {
    name,
    identifier,
    className: identifier.charAt(0).toUpperCase() + identifier.slice(1),
    packageName,
    altitude: `${FILTER_BAND}.${fractionOf(packageName)}`,
  };
}

/** A fraction between two whole numbers, from the name of the package; its last digit is not 0, so the form is canonical. */
function fractionOf(packageName: string): string {
  const number = createHash('sha256').update(packageName).digest().readUInt32BE();
  return `${String(1000 + (number % 9000))}${String(1 + (number % 9))}`;
}
