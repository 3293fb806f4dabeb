import { parseArgs } from 'node:util';
import { fail } from '@interposer/core';

/** What the command line asks for. */
export interface Options {
  /** Path of a module, or name of a package. */
  readonly module: string;
  /** Only the type of this name. */
  readonly filter: string | undefined;
  /** Only cases whose full name contains this text. */
  readonly text: string;
  /** Name the cases instead of running them. */
  readonly list: boolean;
  readonly seed: number;
  /** Arguments for a target, with `{0}`, `{1}`, ... for its devices. */
  readonly table: string | undefined;
}

export const USAGE = `usage: interposer-conformance MODULE [options]

Runs the conformance suites on every target, filter and driver type that MODULE exports.

  --filter NAME      only the type of this name
  --case TEXT        only cases whose name contains TEXT
  --list             name the cases instead of running them
  --seed N           seed of everything that is random; 1 by default
  --table TEMPLATE   arguments of a target's table line, {0} {1} ... being its devices, e.g. "{0} 8"

A module may export \`conformance\`: an object with, for the name of a type, what the suites need to know
of it. Exit code: 0 all passed, 1 a case failed, 2 nothing could be run.
`;

/** Reads the command line. Undefined: help was asked for. EINVAL for what cannot be understood. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const [module, ...more] = positionals;
  if (module === undefined || more.length > 0) throw fail('EINVAL', 'exactly one MODULE is needed');
  const seed = Number(values.seed ?? 1);
  if (!Number.isSafeInteger(seed)) throw fail('EINVAL', `--seed "${String(values.seed)}" is no whole number`);
  return {
    module,
    filter: values.filter,
    text: values.case ?? '',
    list: values.list ?? false,
    seed,
    table: values.table,
  };
}

function parse(argv: readonly string[]): ReturnType<typeof parseWords> {
  try {
    return parseWords(argv);
  } catch (error) {
    throw fail('EINVAL', error instanceof Error ? error.message : String(error), error);
  }
}

interface Words {
  readonly values: {
    readonly filter?: string;
    readonly case?: string;
    readonly list?: boolean;
    readonly seed?: string;
    readonly table?: string;
    readonly help?: boolean;
  };
  readonly positionals: string[];
}

function parseWords(argv: readonly string[]): Words {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      filter: { type: 'string' },
      case: { type: 'string' },
      list: { type: 'boolean' },
      seed: { type: 'string' },
      table: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}
