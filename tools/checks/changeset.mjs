// Every change of a package since the base branch has a changeset. Skipped where there is no base to compare with.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../workspace.mjs';

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
const base = ['origin/main', 'main'].find((ref) => git('rev-parse', '--verify', '--quiet', ref).status === 0);
const head = git('rev-parse', '--verify', '--quiet', 'HEAD').stdout?.trim();

if (base === undefined) {
  console.log('changeset: skipped, there is no main branch to compare with');
} else if (git('rev-parse', base).stdout.trim() === head) {
  console.log(`changeset: skipped, this is ${base} itself`);
} else {
  const program = join(root, 'node_modules', '.bin', 'changeset');
  const { status } = spawnSync(program, ['status', `--since=${base}`], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
}
