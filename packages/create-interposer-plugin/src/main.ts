import { resolve } from 'node:path';
import { createPlugin, type MadePlugin, shortPath } from './create-plugin.ts';
import { Refusal } from './errors.ts';
import type { Kind } from './kinds.ts';
import { readOptions, USAGE } from './options.ts';
import { type Ask, completeOptions } from './questions.ts';

/** What the command has around it. */
export interface Around {
  /** What paths are relative to. */
  readonly directory: string;
  /** Takes lines. */
  readonly write: (line: string) => void;
  /** Takes lines about what went wrong. */
  readonly complain: (line: string) => void;
  /** Absent: there is nobody to ask. */
  readonly ask?: Ask;
}

/** The command: the exit code. */
export async function main(argv: readonly string[], around: Around): Promise<number> {
  try {
    const options = readOptions(argv);
    if (options === undefined) {
      around.write(USAGE);
      return 0;
    }
    const { kind, name, directory, scope, author } = await completeOptions(options, around.ask);
    const made = createPlugin({
      kind,
      name,
      directory: resolve(around.directory, directory ?? `interposer-plugin-${name}`),
      ...(scope === undefined ? {} : { scope }),
      ...(author === undefined ? {} : { author }),
    });
    tell(made, kind, around);
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    around.complain(`create-interposer-plugin: ${error.message}`);
    return 1;
  }
}

function tell({ packageName, directory, files }: MadePlugin, kind: Kind, { write, ...around }: Around): void {
  const where = shortPath(directory, around.directory);
  write(`Made ${packageName}, a ${kind}, in ${where}:`);
  for (const file of files) write(`  ${file}`);
  write('Next:');
  if (where !== '.') write(`  cd ${where}`);
  write('  npm install');
  write('  npm test');
}
