import type { Claim, Port, PortOptions } from './port.ts';

interface Common {
  /** Name of the argument in messages, documentation and the parsed result. */
  readonly name: string;
  /** One phrase for the documentation. */
  readonly about: string;
  /** The whole error text where the kernel has one of its own, e.g. "Invalid chunk_size". */
  readonly error?: string;
  /** May be left out, with all that follow. */
  readonly optional?: boolean;
}

/** A device: a name, a number `major:minor`, a path, or a driver's scheme. */
export interface DeviceParam extends Common {
  readonly kind: 'device';
  /** The `claim` parameter that says how the device is opened. */
  readonly claim?: string;
  /** How it is opened whatever the mode of the table or filter: a base that is only read, a store that is always written. */
  readonly mode?: PortOptions['mode'];
}

/**
 * A whole decimal number. `sector` is a position or length in sectors; `size` is bytes and may end in K, M, G or T for
 * powers of 1024.
 */
export interface NumberParam extends Common {
  readonly kind: 'sector' | 'uint' | 'size';
  readonly min?: number;
  readonly max?: number;
}

/** Any word. */
export interface WordParam extends Common {
  readonly kind: 'word';
  /** It may be a key: no message quotes it and no listing shows it. Only parameters of one word each may stand before it. */
  readonly secret?: boolean;
}

/** One of some words. */
export interface ChoiceParam extends Common {
  readonly kind: 'choice';
  readonly values: readonly string[];
}

/** `excl` or `noexcl`: how a device parameter is claimed. */
export interface ClaimParam extends Common {
  readonly kind: 'claim';
}

/** A group that stands as often as an earlier number says. */
export interface RepeatParam extends Common {
  readonly kind: 'repeat';
  /** Name of the number. */
  readonly times: string;
  readonly of: readonly (DeviceParam | NumberParam | WordParam | ChoiceParam)[];
}

/** Words of the form `key=value`, in any order, each at most once and none needed: they take all words that are left. */
export interface OptionsParam extends Common {
  readonly kind: 'options';
  readonly of: readonly (NumberParam | WordParam | ChoiceParam)[];
}

/** All words that are left. */
export interface RestParam extends Common {
  readonly kind: 'rest';
}

/** One parameter of a table line or of a filter, in the order they are written. */
export type Param =
  DeviceParam | NumberParam | WordParam | ChoiceParam | ClaimParam | RepeatParam | OptionsParam | RestParam;

type ValueOf<P> = P extends { kind: 'device' }
  ? Port
  : P extends { kind: 'sector' | 'uint' | 'size' }
    ? number
    : P extends { kind: 'choice'; values: readonly (infer V)[] }
      ? V
      : P extends { kind: 'claim' }
        ? Claim
        : P extends { kind: 'repeat'; of: infer O extends readonly Param[] }
          ? readonly ArgsOf<O>[]
          : P extends { kind: 'options'; of: infer O extends readonly Param[] }
            ? Partial<ArgsOf<O>>
            : P extends { kind: 'rest' }
              ? readonly string[]
              : string;

/** The parsed arguments of a params table: an object with a property for each. */
export type ArgsOf<P extends readonly Param[]> = {
  readonly [E in P[number] as E['name']]: E extends { optional: true } ? ValueOf<E> | undefined : ValueOf<E>;
};

/** The grammar of a params table, e.g. `<device> <offset> [excl|noexcl]`. */
export function describeParams(params: readonly Param[]): string {
  const needs = (index: number): boolean => params[index] !== undefined && params[index].optional !== true;
  const words = params.map((param, index) => {
    const text = paramBody(param);
    if (param.optional !== true) return text;
    return needs(index + 1) ? `[${text}` : `[${text}]`;
  });
  // What must follow an optional parameter stands and falls with it.
  const open = params.filter(({ optional }, index) => optional === true && needs(index + 1)).length;
  return `${words.join(' ')}${']'.repeat(open)}`;
}

function paramBody(param: Param): string {
  switch (param.kind) {
    case 'choice':
      return param.values.join('|');
    case 'claim':
      return 'excl|noexcl';
    case 'repeat':
      return `[${describeParams(param.of)}]×${param.times}`;
    case 'options':
      return param.of.map((option) => `[${option.name}=<${option.about}>]`).join(' ');
    case 'rest':
      return `<${param.name}>...`;
    default:
      return `<${param.name}>`;
  }
}
