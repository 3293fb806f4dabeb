import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/** The fields of a package.json that say which modules the package is entered by. */
interface Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly interposer?: { readonly exports?: readonly string[]; readonly entries?: readonly string[] };
}

// tsup runs in the directory of the package it builds.
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const names = new Set([
  'index',
  ...Object.values(manifest.bin ?? {}).map((path) => path.replace(/^\.\/dist\/(.*)\.js$/, '$1')),
  ...(manifest.interposer?.exports ?? []),
  ...(manifest.interposer?.entries ?? []),
]);

export default defineConfig({
  entry: [...names].map((name) => `src/${name}.ts`),
  format: 'esm',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  // Or an optional dependency would be bundled.
  skipNodeModulesBundle: true,
  // Declarations come from `tsc -b`.
  dts: false,
  // A plain clean deletes the declarations but keeps their build info, and `tsc -b` then emits nothing.
  clean: ['!**/*.d.ts', '!**/*.d.ts.map'],
  silent: true,
});
