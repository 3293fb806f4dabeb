import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Options } from 'tsup';

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

/** A change of a source. */
export interface SourceChange {
  /** Path of the source. */
  readonly path: string;
  /** A text that is there once. */
  readonly from: string;
  /** What stands there instead. */
  readonly to: string;
}

/**
 * What a source exports, with everything of ours that it imports in one bundle, of whose sources one may be changed.
 * Everything in it is new: its own pool, queue of bios, and types.
 */
export async function bundled<Exports>(
  entry: string,
  tsconfig: string,
  change?: SourceChange,
): Promise<Exports> {
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
      entry: { index: entry },
      tsconfig,
      outDir,
      format: ['esm'],
      platform: 'node',
      target: 'node20',
      noExternal: [/^@interposer/],
      outExtension: () => ({ js: '.mjs' }),
      esbuildOptions: (options) => {
        options.conditions = ['@interposer/source'];
      },
      ...(change === undefined ? {} : { esbuildPlugins: [replacing(change, replaced)] }),
    });
    if (change !== undefined && replaced.length === 0) throw new Error(`nothing imports ${change.path}`);
    return (await import(/* @vite-ignore */ pathToFileURL(join(outDir, 'index.mjs')).href)) as Exports;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The text must be there, once: a mutant that no longer fits the sources is told, not passed over. */
function replacing(change: SourceChange, replaced: string[]): EsbuildPlugin {
  return {
    name: 'mutation',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path !== change.path) return undefined;
        const source = await readFile(path, 'utf8');
        const parts = source.split(change.from);
        if (parts.length !== 2)
          throw new Error(`${path} has ${String(parts.length - 1)} times: ${change.from}`);
        replaced.push(path);
        return { contents: parts.join(change.to), loader: 'ts' };
      });
    },
  };
}
