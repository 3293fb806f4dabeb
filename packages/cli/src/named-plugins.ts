import { delimiter } from 'node:path';
import type { Options } from './command-line.ts';

/** The plugins that the user names, by option and in the environment. */
export function namedPlugins(options: Options, env: Readonly<Record<string, string | undefined>>): string[] {
  const fromEnvironment = (env.INTERPOSER_PLUGINS ?? '').split(delimiter).filter((name) => name !== '');
  return [...options.all('plugin'), ...fromEnvironment];
}
