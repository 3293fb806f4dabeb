import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { later } from '../../../../tools/temporary.ts';
import { Project } from '../../../testing/test/project.ts';
import { codeBlocks } from '../pages.ts';
import { program } from '../world.ts';
import { recipes } from './recipe.ts';

const VITEST = fileURLToPath(new URL('../../../../node_modules/vitest', import.meta.url));
const CONFIG = 'export default { test: { testTimeout: 60_000 } };';

it('the tests on the pages of docs/recipes pass', async () => {
  const project = await Project.make();
  later(() => project.remove());
  project.use('vitest');
  const config = project.write('vitest.config.js', CONFIG);
  for (const { name } of recipes()) {
    const [test] = codeBlocks(`recipes/${name}`, 'ts');
    if (test !== undefined) project.write(name.replace('.md', '.test.ts'), test);
  }
  const runner = join(realpathSync(VITEST), 'vitest.mjs');
  const options = ['--root', project.folder, '--config', config];
  const printed = await program(process.execPath, runner, 'run', ...options);
  expect(printed).toMatch(/Tests.*7 passed/);
}, 120_000);
