// Runs every check, or those named: `npm run check -- graph docs`. All run, also after one has failed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { root } from '../workspace.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);
const tool = (path, ...args) => [process.execPath, join(root, 'tools', path), ...args];

const checks = {
  types: [bin('tsc'), '-b'],
  normalize: tool('normalize.mjs', '--check'),
  graph: tool('checks/graph.mjs'),
  knip: [bin('knip'), '--no-progress', '--no-config-hints'],
  docs: tool('checks/docs.mjs'),
  changeset: tool('checks/changeset.mjs'),
  pack: tool('checks/pack.mjs'),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0) {
  console.error(`no check is named ${unknown.join(', ')}; there are: ${Object.keys(checks).join(', ')}`);
  process.exit(2);
}

const failed = [];
for (const [name, [program, ...args]] of Object.entries(checks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const start = performance.now();
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error) console.error(error.message);
  if (status !== 0) failed.push(name);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
