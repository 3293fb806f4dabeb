import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Options } from 'tsup';
import type * as kit from '../../../src/index.ts';
import type { Mutation } from './mutation.ts';

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

const PACKAGE = join(import.meta.dirname, '../../..');
const CORE = join(dirname(createRequire(import.meta.url).resolve('@interposer/core/package.json')), 'src');

/**
 * The kit with a core of its own, of whose sources one has a fault; without a mutation, with a sound core. Everything is new:
 * its pool, its queue of bios, its types.
 */
export async function kitOver(mutation?: Mutation): Promise<typeof kit> {
  const folder = await mkdtemp(join(tmpdir(), 'interposer-mutant-'));
  // What lies there is imported as it is, without the ways of the test framework.
  const outDir = join(folder, 'node_modules');
  try {
    const replaced: string[] = [];
    await build({
      config: false,
      silent: true,
      clean: false,
      dts: false,
      splitting: false,
      entry: [join(PACKAGE, 'src/index.ts')],
      tsconfig: join(PACKAGE, 'tsconfig.json'),
      outDir,
      format: ['esm'],
      platform: 'node',
      target: 'node20',
      noExternal: [/^@interposer/],
      outExtension: () => ({ js: '.mjs' }),
      esbuildOptions: (options) => {
        options.conditions = ['@interposer/source'];
      },
      ...(mutation === undefined ? {} : { esbuildPlugins: [replacing(mutation, replaced)] }),
    });
    if (mutation !== undefined && replaced.length === 0)
      throw new Error(`there is no core/src/${mutation.file}`);
    const bundle = pathToFileURL(join(outDir, 'index.mjs')).href;
    return (await import(/* @vite-ignore */ bundle)) as typeof kit;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The text must be there, once: a mutant that no longer fits the sources is told, not passed over. */
function replacing({ file, from, to }: Mutation, replaced: string[]): EsbuildPlugin {
  return {
    name: 'mutation',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (basename(path) !== file || dirname(path) !== CORE) return undefined;
        const source = await readFile(path, 'utf8');
        const parts = source.split(from);
        if (parts.length !== 2) throw new Error(`${file} has ${String(parts.length - 1)} times: ${from}`);
        replaced.push(path);
        return { contents: parts.join(to), loader: 'ts' };
      });
    },
  };
}
