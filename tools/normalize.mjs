// Writes what follows from the few hand-written fields of each package.json (name, version, description, keywords,
// bin, interposer, dependencies): the other fields, tsconfig.json, tsup.config.ts, and the references at the root.
//   npm run normalize              writes          npm run normalize -- --check    fails when something would change
//
// The field `interposer` of a package: `exports`: further public modules (`./name` from src/name.ts);
// `entries`: further built modules that are not public; `files`: further published files.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { RUNTIME, isOurs, ourDependencies, readPackages, root } from './workspace.mjs';

const REPOSITORY = 'git+https://github.com/interposer/interposer.git';
const ENGINES = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines;
const ORDER = [
  'name version private description keywords license author repository engines type sideEffects bin exports files',
  'publishConfig scripts interposer dependencies optionalDependencies peerDependencies peerDependenciesMeta',
  'devDependencies',
]
  .join(' ')
  .split(' ');

const check = process.argv.includes('--check');
const packages = readPackages();
const drift = [];

for (const { directory, path, manifest } of packages) {
  await put(join(path, 'package.json'), JSON.stringify(deriveManifest(directory, manifest)));
  await put(join(path, 'tsconfig.json'), JSON.stringify(deriveTsconfig(manifest)));
  await put(join(path, 'tsup.config.ts'), `export { default } from '../../tools/tsup.ts';\n`);
}
// The packages for the build, and the tests of all of them, which `tsc -b` checks too.
await put(join(root, 'tsconfig.packages.json'), JSON.stringify({ files: [], references: everyPackage() }));
const tests = JSON.parse(readFileSync(join(root, 'tsconfig.tests.json'), 'utf8'));
await put(join(root, 'tsconfig.tests.json'), JSON.stringify({ ...tests, references: everyPackage() }));

if (check && drift.length > 0) {
  console.error(`out of date, run \`npm run normalize\`:\n  ${drift.join('\n  ')}`);
  process.exitCode = 1;
}

function deriveManifest(directory, manifest) {
  const own = manifest.interposer ?? {};
  const derived = {
    ...manifest,
    license: 'MIT',
    author: 'Interposer contributors',
    repository: { type: 'git', url: REPOSITORY, directory: `packages/${directory}` },
    engines: ENGINES,
    type: 'module',
    sideEffects: false,
    exports: exportsOf(own, true),
    files: ['dist', '!dist/.tsbuildinfo', ...(own.files ?? [])],
    publishConfig: { access: 'public', provenance: true, exports: exportsOf(own, false) },
    scripts: { build: 'tsup' },
  };
  for (const kind of [...RUNTIME, 'devDependencies']) {
    if (derived[kind] !== undefined) derived[kind] = sortKeys(derived[kind]);
  }
  return pickInOrder(derived);
}

/** `source` is the condition under which editor, tests and type check see the sources; it is not published. */
function exportsOf(own, source) {
  const entry = (name) => ({
    ...(source ? { '@interposer/source': `./src/${name}.ts` } : {}),
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  });
  const further = (own.exports ?? []).map((name) => [`./${name}`, entry(name)]);
  return { '.': entry('index'), ...Object.fromEntries(further), './package.json': './package.json' };
}

/** A plugin's sources see what users of the package get, so development dependencies are no references. */
function deriveTsconfig(manifest) {
  const names = ourDependencies(manifest, RUNTIME);
  const references = names.map((name) => ({ path: `../${directoryOf(name)}` }));
  return {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['src'],
    ...(references.length > 0 ? { references } : {}),
  };
}

function everyPackage() {
  return packages.map(({ directory }) => ({ path: `./packages/${directory}` }));
}

function directoryOf(name) {
  const found = packages.find(({ manifest }) => manifest.name === name);
  if (found === undefined || !isOurs(name)) throw new Error(`no package is named ${name}`);
  return found.directory;
}

async function put(file, text) {
  const wanted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return;
  drift.push(relative(root, file));
  if (!check) writeFileSync(file, wanted);
}

function pickInOrder(manifest) {
  const unknown = Object.keys(manifest).filter((key) => !ORDER.includes(key));
  return Object.fromEntries(
    [...ORDER, ...unknown].filter((key) => manifest[key] !== undefined).map((key) => [key, manifest[key]]),
  );
}

function sortKeys(record) {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
