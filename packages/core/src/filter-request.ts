import { type Altitude, parseAltitude } from './altitude.ts';
import type { BlockDevice } from './block-device.ts';
import { fail } from './errors.ts';
import type { FilterStack, FilterStep } from './filter-stack.ts';
import type { FilterType } from './filter.ts';
import type { Registry } from './registry.ts';
import { splitWords } from './table-text.ts';

/** A filter as the user names it: `TYPE[@ALTITUDE] ARGS`. */
export interface FilterRequest {
  readonly type: FilterType;
  readonly altitude: Altitude;
  readonly words: readonly string[];
}

/** Reads a filter's text; `altitude` is where it goes if the text does not say. EINVAL for a type nobody registered. */
export function parseFilter(spec: string, registry: Registry, altitude?: Altitude): FilterRequest {
  const [head = '', ...words] = splitWords(spec);
  const at = head.indexOf('@');
  const name = at < 0 ? head : head.slice(0, at);
  const type = registry.filter(name);
  if (type === undefined) {
    throw fail(
      'EINVAL',
      `unknown filter type "${name}"; install @interposer/filter-${name} or @interposer/target-${name}, or name its package with --plugin`,
    );
  }
  const where = at < 0 ? (altitude ?? type.altitude) : head.slice(at + 1);
  return { type, altitude: parseAltitude(where), words };
}

/** The filter in a stack that the user means, by type or by altitude. ENOENT if there is none, EINVAL if several. */
export function findFilter(
  device: BlockDevice,
  which: string,
  stack: FilterStack = device.stack,
): FilterStep {
  const [name = '', altitude] = which.split('@');
  const steps = stack.steps.filter((step) =>
    /^\d/.test(which)
      ? step.altitude === parseAltitude(which)
      : step.type.name === name && (altitude === undefined || step.altitude === parseAltitude(altitude)),
  );
  const [step] = steps;
  if (step === undefined) throw fail('ENOENT', `no filter ${which} on ${device.name}`);
  if (steps.length > 1) {
    const altitudes = steps.map((one) => one.altitude).join(', ');
    throw fail(
      'EINVAL',
      `${device.name} has several filters ${which}: name the altitude, one of ${altitudes}`,
    );
  }
  return step;
}
