// The rules of dependency, read from every package.json:
// core, the protocols and the generator depend on nobody, the kit, the formats, the shared algorithms and the plugins on core,
// the search for crash states on the log, only cli, the bundle and the testing kit on all.
import { RUNTIME, SCOPE, UNSCOPED, ourDependencies, readPackages } from '../workspace.mjs';

const PEER_RANGE = 'workspace:>=0.1.0 <1.0.0';
const PROTOCOLS = ['nbd-protocol', 'nbd-tls'];
/** Algorithms on core's contract that more than one package needs. */
const ALGORITHMS = ['block-cipher', 'format-verity', 'volatile-cache', 'write-log'];
/** What a plugin may use besides core. */
const SHARED = [...PROTOCOLS, ...ALGORITHMS];
const WIRING = ['cli', 'interposer', 'testing'];
/** Formats that programs and the cli read, and what they compose of devices; their tests bring real stacks up. */
const FORMATS = ['format-luks', 'live-snapshot', 'stack-file'];
const USES_CIPHERS = 'format-luks';
/** Reads logs of writes; its tests make some. */
const CRASH_SEARCH = 'crash-test';
const GENERATOR = 'create-interposer-plugin';
const PLUGIN = /^(target|filter|device|frontend)-/;
/** Checks NBD servers, of which it knows the protocol only; its tests try it on ours. */
const SERVER_KIT = 'nbd-conformance';
const TESTING = ['conformance', 'device-ram'];

const problems = [];
const packages = readPackages();
for (const entry of packages) {
  checkName(entry);
  checkAllowed(entry);
  checkRanges(entry);
}
for (const cycle of cycles()) problems.push(`cycle: ${cycle.join(' -> ')}`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function checkName({ directory, manifest }) {
  const wanted = UNSCOPED.includes(directory) ? directory : SCOPE + directory;
  if (manifest.name !== wanted) problems.push(`packages/${directory}: named ${manifest.name}, not ${wanted}`);
  const known = [
    'core',
    'conformance',
    SERVER_KIT,
    CRASH_SEARCH,
    GENERATOR,
    ...FORMATS,
    ...SHARED,
    ...WIRING,
  ];
  if (!known.includes(directory) && !PLUGIN.test(directory)) {
    problems.push(`packages/${directory}: no rule for this package; its role is the first word of its name`);
  }
}

function checkAllowed({ directory, manifest }) {
  if (WIRING.includes(directory)) return;
  const bare = ['core', GENERATOR, ...PROTOCOLS].includes(directory);
  const runtime = bare ? [] : runtimeOf(directory);
  expectOnly(directory, manifest, RUNTIME, runtime);
  if (directory === 'core' && RUNTIME.some((kind) => Object.keys(manifest[kind] ?? {}).length > 0)) {
    problems.push('packages/core: has a dependency at run time');
  }
  // No kit for core either: the kit depends on core.
  const tried = PLUGIN.test(directory) || ALGORITHMS.includes(directory) || directory === CRASH_SEARCH;
  const development = tried ? [...runtime, ...TESTING] : runtime;
  // What it generates is tried in its tests.
  if (directory === GENERATOR) development.push('core', ...TESTING);
  if (FORMATS.includes(directory)) development.push(...plugins());
  if (directory === CRASH_SEARCH) development.push('target-log-writes');
  if (directory === SERVER_KIT) development.push('core', 'device-ram', 'frontend-nbd');
  expectOnly(directory, manifest, ['devDependencies'], development);
}

function runtimeOf(directory) {
  if (directory === SERVER_KIT) return PROTOCOLS;
  if (directory === CRASH_SEARCH) return ['core', 'write-log'];
  if (directory === USES_CIPHERS) return ['core', 'block-cipher'];
  return PLUGIN.test(directory) ? ['core', ...SHARED] : ['core'];
}

function plugins() {
  return packages.map(({ directory }) => directory).filter((directory) => PLUGIN.test(directory));
}

function expectOnly(directory, manifest, kinds, allowed) {
  for (const name of ourDependencies(manifest, kinds)) {
    if (allowed.includes(shortName(name))) continue;
    problems.push(`packages/${directory}: ${kinds.join(' or ')} may not name ${name}`);
  }
}

/** A peer of `workspace:*` would turn each minor version of core into a major one of every plugin. */
function checkRanges({ directory, manifest }) {
  const expect = (kind, range) => {
    for (const name of ourDependencies(manifest, [kind])) {
      if (manifest[kind][name] === range) continue;
      problems.push(`packages/${directory}: ${kind} ${name} is ${manifest[kind][name]}, not ${range}`);
    }
  };
  expect('dependencies', 'workspace:^');
  expect('peerDependencies', PEER_RANGE);
  expect('devDependencies', 'workspace:*');
  if (!WIRING.includes(directory) && manifest.dependencies?.[`${SCOPE}core`] !== undefined) {
    problems.push(`packages/${directory}: core must be a peer, or a program could hold two copies of it`);
  }
  for (const name of ourDependencies(manifest, ['peerDependencies'])) {
    if (manifest.devDependencies?.[name] === undefined) {
      problems.push(`packages/${directory}: the peer ${name} is missing in devDependencies`);
    }
  }
}

function* cycles() {
  const edges = new Map(
    packages.map(({ manifest }) => [
      manifest.name,
      ourDependencies(manifest, [...RUNTIME, 'devDependencies']),
    ]),
  );
  const done = new Set();
  for (const name of edges.keys()) yield* visit(name, [], edges, done);
}

function* visit(name, path, edges, done) {
  if (path.includes(name)) yield [...path.slice(path.indexOf(name)), name];
  if (path.includes(name) || done.has(name)) return;
  for (const next of edges.get(name) ?? []) yield* visit(next, [...path, name], edges, done);
  done.add(name);
}

function shortName(name) {
  return name.startsWith(SCOPE) ? name.slice(SCOPE.length) : name;
}
