// Packs every package as it would be published and looks at the tarball: publint, attw, and our own rules.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { readPackages, root } from '../workspace.mjs';

const execute = promisify(execFile);
const bin = (name) => join(root, 'node_modules', '.bin', name);
const temporary = mkdtempSync(join(tmpdir(), 'interposer-pack-'));
const problems = [];
// pnpm as the bootstrap installed it.
const env = {
  ...process.env,
  PATH: [join(root, '.cache/pnpm/node_modules/.bin'), process.env.PATH].join(delimiter),
};

try {
  const queue = readPackages().filter(({ manifest }) => manifest.private !== true);
  const worker = async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) await checkPackage(entry);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

async function checkPackage({ directory, path, manifest }) {
  const folder = join(temporary, directory);
  if ((await attempt(directory, 'pnpm', ['pack', '--pack-destination', folder], path)) === undefined) return;
  const tarball = join(folder, readdirSync(folder)[0]);
  await attempt(directory, bin('publint'), ['run', '--strict', tarball], path);
  await attempt(directory, bin('attw'), ['--profile', 'esm-only', '--no-emoji', tarball], path);
  await checkContents(directory, manifest, tarball);
}

async function checkContents(directory, manifest, tarball) {
  const listing = (await attempt(directory, 'tar', ['-tzf', tarball])) ?? '';
  const files = new Set(listing.split('\n').map((name) => name.replace(/^package\//, '')));
  const bins = Object.values(manifest.bin ?? {}).map((file) => file.replace(/^\.\//, ''));
  for (const file of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', ...bins]) {
    if (!files.has(file)) problems.push(`${directory}: ${file} is not in the tarball`);
  }
  for (const file of files) {
    if (/^(src|test)\/|\.tsbuildinfo$/.test(file)) problems.push(`${directory}: ${file} is in the tarball`);
  }
  const packed = (await attempt(directory, 'tar', ['-xOzf', tarball, 'package/package.json'])) ?? '{}';
  const { exports, dependencies, peerDependencies, optionalDependencies } = JSON.parse(packed);
  const text = JSON.stringify({ exports, dependencies, peerDependencies, optionalDependencies });
  for (const word of ['@interposer/source', 'workspace:', 'catalog:']) {
    if (text.includes(word)) problems.push(`${directory}: the packed package.json still says ${word}`);
  }
}

async function attempt(directory, program, args, cwd = root) {
  try {
    return (await execute(program, args, { cwd, env, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
    problems.push(`${directory}: ${program.split('/').pop()} failed\n${output || error.message}`);
    return undefined;
  }
}
