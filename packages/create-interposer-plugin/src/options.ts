import { parseArgs } from 'node:util';
import { Refusal } from './errors.ts';
import { isKind, type Kind, KINDS } from './kinds.ts';

/** What the command line says; what it does not say is undefined. */
export interface Options {
  readonly kind: Kind | undefined;
  readonly name: string | undefined;
  readonly directory: string | undefined;
  readonly scope: string | undefined;
  readonly author: string | undefined;
  /** Ask nothing that has a default. */
  readonly yes: boolean;
}

export const USAGE = `usage: npm create interposer-plugin (filter|target|device) NAME [-- options]

Makes a package with a small, complete Interposer plugin that passes the conformance kit.

  --dir DIR      where to put it; interposer-plugin-NAME by default
  --scope @ME    npm scope of the package; none by default
  --author NAME  who holds the copyright
  --yes          ask nothing that has a default

NAME: at most 15 of a-z, 0-9 and -, a letter first. On a terminal, what is missing is asked for.`;

/** Reads the command line. Undefined: help was asked for. A Refusal for what cannot be understood. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const [kind, name, ...more] = positionals;
  if (more.length > 0)
    throw new Refusal(`"${more.join(' ')}" is too much: only a kind and a name are needed`);
  if (kind !== undefined) checkKind(kind);
  return {
    kind,
    name,
    directory: values.dir,
    scope: values.scope,
    author: values.author,
    yes: values.yes ?? false,
  };
}

/** Throws a Refusal for a word that names no kind. */
export function checkKind(word: string): asserts word is Kind {
  if (!isKind(word)) throw new Refusal(`"${word}" is no kind of plugin; there are: ${KINDS.join(', ')}`);
}

interface Words {
  readonly values: {
    readonly dir?: string;
    readonly scope?: string;
    readonly author?: string;
    readonly yes?: boolean;
    readonly help?: boolean;
  };
  readonly positionals: string[];
}

function parse(argv: readonly string[]): Words {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        dir: { type: 'string' },
        scope: { type: 'string' },
        author: { type: 'string' },
        yes: { type: 'boolean', short: 'y' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
