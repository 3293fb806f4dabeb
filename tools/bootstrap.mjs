// The first thing every root script runs. No dependencies: it works on a fresh clone with node and npm only.
//   node tools/bootstrap.mjs COMMAND [ARGUMENT...]
// It installs pnpm into .cache/pnpm, the dependencies with it, builds when the command needs a build, and then
// runs the command. Steps whose inputs did not change are skipped by content stamps.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const stamps = join(root, 'node_modules', '.interposer');
const pnpmHome = join(cache, 'pnpm');
const inCI = Boolean(process.env.CI) && process.env.CI !== 'false';

const env = {
  ...process.env,
  PATH: [join(pnpmHome, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  NX_DAEMON: 'false',
  NX_NO_CLOUD: 'true',
  NX_TUI: 'false',
  // A build started from inside another nx task would otherwise be refused.
  NX_TASK_TARGET_TARGET: undefined,
};

/** Each command: whether it needs a build, and what it runs. `args` are those after the command's name. */
const commands = {
  install: { run: () => 0 },
  build: { build: true, run: () => 0 },
  start: { build: true, run: startProgram },
  test: { run: (args) => bin('vitest', ['run', ...args]) },
  lint: { run: lint },
  format: {
    run: (args) => bin('prettier', ['--write', '--log-level=warn', ...(args.length ? args : ['.'])]),
  },
  normalize: { run: (args) => script('tools/normalize.mjs', args) },
  check: { build: true, run: (args) => script('tools/checks/index.mjs', args) },
  vectors: { build: true, run: (args) => script('tools/kernel-vectors/index.mjs', args) },
  bench: { build: true, run: (args) => script('tools/bench/index.mjs', args) },
};

const [name = 'install', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) fail(`unknown command "${name}"; there are: ${Object.keys(commands).join(', ')}`);

withLock(() => {
  install(name === 'install');
  if (command.build) build(name === 'build');
});
process.exitCode = await command.run(args);

/** `explicit`: asked for by name, so the lockfile may be brought up to date; CI never changes it. */
function install(explicit) {
  const inputs = ['package.json', 'pnpm-workspace.yaml', ...packages().map((dir) => `${dir}/package.json`)];
  const digest = () => hash([...inputs, 'pnpm-lock.yaml'], `${process.platform} ${process.arch}`);
  if (!explicit && readStamp('install') === digest()) return;
  installPnpm();
  say('installing dependencies');
  if (!pnpmInstall(explicit && !inCI ? '--no-frozen-lockfile' : '--frozen-lockfile')) {
    fail('the dependencies could not be installed');
  }
  writeStamp('install', digest());
}

function installPnpm() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pin = manifest.packageManager;
  const installed = join(pnpmHome, 'node_modules', 'pnpm', 'package.json');
  if (existsSync(installed) && `pnpm@${JSON.parse(readFileSync(installed, 'utf8')).version}` === pin) return;
  say(`installing ${pin} into .cache/pnpm`);
  mkdirSync(pnpmHome, { recursive: true });
  // A package.json of its own: npm must not take the workspace for the project.
  writeFileSync(join(pnpmHome, 'package.json'), '{ "private": true }\n');
  const flags = [
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  if (run('npm', ['install', '--prefix', pnpmHome, ...flags, pin]) !== 0)
    fail(`npm could not install ${pin}`);
}

function pnpmInstall(mode) {
  const result = spawnSync('pnpm', ['install', mode, '--prefer-offline', '--reporter=append-only'], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
    maxBuffer: 1 << 28,
  });
  if (result.status === 0) return true;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  const outdated = /ERR_PNPM_(OUTDATED_LOCKFILE|NO_LOCKFILE|LOCKFILE_CONFIG_MISMATCH)/.test(output);
  if (!outdated) process.stderr.write(output || `${result.error?.message}\n`);
  else if (inCI) say('pnpm-lock.yaml is out of date: run `node tools/bootstrap.mjs install` and commit it');
  else {
    say('pnpm-lock.yaml is out of date: bringing it up to date (commit the change)');
    return pnpmInstall('--no-frozen-lockfile');
  }
  return false;
}

/** JavaScript by lerna and tsup, then the declarations of all packages by one `tsc -b`. */
function build(explicit) {
  const dirs = packages();
  const files = dirs.flatMap((dir) => [...walk(join(root, dir, 'src')), join(root, dir, 'package.json')]);
  const shared = ['tools/tsup.ts', 'tsconfig.base.json', 'tsconfig.packages.json', 'pnpm-lock.yaml'];
  const digest = hash(
    [...files.map((file) => relative(root, file)), ...shared],
    process.version.split('.')[0],
  );
  const complete = dirs.every((dir) => existsSync(join(root, dir, 'dist/index.js')));
  if (!explicit && complete && readStamp('build') === digest) return;
  say('building');
  // The output is shown when the build fails: a terse start is worth more than the log of a good build.
  const quiet = !explicit;
  const failed =
    bin('lerna', ['run', 'build', '--loglevel=error'], { quiet }) ||
    bin('tsc', ['-b', 'tsconfig.packages.json'], { quiet });
  if (failed) fail('the build failed');
  writeStamp('build', digest);
}

function lint(args) {
  const where = args.length ? args : ['.'];
  const eslint = bin('eslint', where);
  const prettier = bin('prettier', [
    '--check',
    '--log-level=warn',
    ...where.filter((word) => !word.startsWith('-')),
  ]);
  return eslint || prettier;
}

async function startProgram(args) {
  process.argv = [process.argv[0], join(root, 'tools/start.mjs'), ...args];
  await import('./start.mjs');
  return process.exitCode;
}

/** A program of the workspace's own dependencies. */
function bin(program, args, options) {
  const windows = process.platform === 'win32';
  return run(join(root, 'node_modules', '.bin', windows ? `${program}.cmd` : program), args, options);
}

function script(path, args) {
  if (!existsSync(join(root, path))) fail(`${path} does not exist`);
  return run(process.execPath, [join(root, path), ...args]);
}

function run(program, args, { quiet = false } = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    shell: process.platform === 'win32',
    maxBuffer: 1 << 28,
  });
  if (result.error) say(`${program}: ${result.error.message}`);
  const status = result.status ?? 1;
  if (quiet && status !== 0)
    process.stderr.write(Buffer.concat([result.stdout, result.stderr].filter(Boolean)));
  return status;
}

/** Two scripts started at once must not install or build into each other's files. */
function withLock(step) {
  mkdirSync(cache, { recursive: true });
  const lock = join(cache, 'lock');
  for (let waited = false; ;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld(lock)) rmSync(lock, { force: true });
    else if (!waited) {
      waited = true;
      say('waiting for another bootstrap of this workspace');
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  step();
  process.off('exit', release);
  release();
}

function isHeld(lock) {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    // Created but not yet written: its holder is alive.
    if (holder === 0) return Date.now() - statSync(lock).mtimeMs < 5000;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function packages() {
  const parent = join(root, 'packages');
  const names = readdirSync(parent).sort();
  return names.map((dir) => `packages/${dir}`).filter((dir) => existsSync(join(root, dir, 'package.json')));
}

function* walk(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

function hash(files, salt) {
  const sum = createHash('sha256').update(salt);
  for (const file of files) {
    const path = join(root, file);
    sum.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : 'absent');
  }
  return sum.digest('hex');
}

function readStamp(step) {
  const path = join(stamps, step);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeStamp(step, digest) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, step), digest);
}

function say(message) {
  process.stderr.write(`interposer: ${message}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}
