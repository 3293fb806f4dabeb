// What a third party goes through: installs our packages from tarballs in a folder outside the workspace, generates a
// plugin of each kind, builds it, runs its tests and the conformance kit, and uses it with the command. A plugin that was
// built for another core has to be refused. Needs a build of the workspace (npm run build) and npm's registry.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { useEverything } from './use.mjs';
import { refuseOtherCore } from './other-core.mjs';
import { INSTALLED, LOOSE, Project } from './project.mjs';

const project = new Project(realpathSync(mkdtempSync(join(tmpdir(), 'interposer-external-'))));
const plugins = [...INSTALLED, LOOSE];

async function step(what, work) {
  const start = performance.now();
  const result = await work();
  console.log(`ok  ${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

try {
  const tarballs = await step('our packages are packed', () => project.pack());
  await step('a plugin of each kind is generated', async () => {
    const [, tarball] = tarballs.find(([name]) => name === 'create-interposer-plugin');
    const generator = join(
      await project.unpack(tarball, join(project.directory, 'generator')),
      'dist',
      'bin.js',
    );
    for (const plugin of plugins) await project.generate(plugin, generator);
  });
  await step('everything is installed from the tarballs', async () => {
    project.describe(tarballs);
    await project.install();
  });
  for (const { kind, name } of plugins) {
    await step(`the ${kind} ${name} is built and passes its tests and the kit`, () =>
      project.npm(name, 'test'),
    );
  }
  await step('the kit passes by its command', async () => {
    const output = await project.npm(LOOSE.name, 'run', 'conformance');
    if (!/^\d+ passed, 0 failed, \d+ skipped/m.test(output)) throw new Error(output.slice(-4000));
  });
  await step('the command finds them, and I/O goes through them', () => useEverything(project));
  await step('a plugin for another core is refused', () => refuseOtherCore(project));
} catch (error) {
  console.error(`FAIL ${error.stack}`);
  process.exitCode = 1;
} finally {
  await project.runInterposer('shutdown').catch(() => undefined);
  rmSync(project.directory, { recursive: true, force: true });
}
