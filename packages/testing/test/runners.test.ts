import { cpSync, existsSync, readFileSync, realpathSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { type Output, run } from './program.ts';
import { Project } from './project.ts';

const canFuse = existsSync('/dev/fuse') && peer('nbdfuse', 'fusermount3');
/** What the example with SQLite takes: a superuser who may mount, and a few programs. */
const canMount =
  canFuse &&
  existsSync('/dev/loop-control') &&
  process.getuid?.() === 0 &&
  peer('python3', 'mke2fs', 'e2fsck', 'debugfs', 'mount', 'umount', 'unshare');
const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url));
const PAGES = ['../README.md', '../../../docs/testing.md'].map((page) => new URL(page, import.meta.url));
const VITEST = fileURLToPath(new URL('../../../node_modules/vitest', import.meta.url));

// The examples as a user has them: plain JavaScript, in a project of its own, under the runner itself.
describe('the examples', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.make();
    cpSync(EXAMPLES, project.folder, { recursive: true });
    project.use('vitest');
  });
  afterAll(() => project.remove());

  it('pass under node:test', async () => {
    const output = await run('node', ['--test', project.path('log-store.node.test.js')]);
    expect(passed(output)).toBe(true);
    expect(output.stdout).toMatch(/pass 6\b/);
    expect(output.stdout).toMatch(/fail 0\b/);
  });

  it.skipIf(!canMount)('break SQLite where it asks for that', async () => {
    const output = await run('node', ['--test', project.path('sqlite.node.test.js')]);
    expect(output.stdout).toMatch(/pass 2\b/);
    expect(output.stdout).toMatch(/fail 0\b/);
    expect(passed(output)).toBe(true);
  });

  it('pass under vitest', async () => {
    const output = await runVitest(project, '**/*.vitest.test.js');
    expect(passed(output)).toBe(true);
    expect(output.stdout).toMatch(/Tests.*9 passed/);
  });

  it('find a store that is made worse', async () => {
    const careless = await Project.make();
    try {
      cpSync(EXAMPLES, careless.folder, { recursive: true });
      careless.edit('log-store.js', 'if (this.#barrier) await', 'if (false) await');
      const output = await run('node', ['--test', careless.path('log-store.node.test.js')]);
      expect(output.code).not.toBe(0);
      expect(output.stdout).toMatch(/not ok|✖/);
      expect(output.stdout).toMatch(/a power cut can do damage/);
    } finally {
      careless.remove();
    }
  });
});

describe('the pages', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.make('conformance');
    project.use('vitest');
  });
  afterAll(() => project.remove());

  it.skipIf(!canFuse || !peer('qemu-io', 'dd'))('have samples that do what they say', async () => {
    const samples = PAGES.flatMap((page) => samplesOf(readFileSync(fileURLToPath(page), 'utf8')));
    samples.forEach((text, index) => project.write(`sample-${String(index)}.test.ts`, text));
    const output = await runVitest(project, '**/*.test.ts');
    expect(passed(output)).toBe(true);
    expect(output.stdout).toMatch(/Tests.*19 passed/);
  });
});

/** Code of a page that is a test file, or a crash test, made one. */
function samplesOf(page: string): string[] {
  const samples = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!);
  return samples.map((text) =>
    text.includes("from 'vitest'")
      ? text
      : `import { test } from 'vitest';\n${text}\ntest('runs', () => {});\n`,
  );
}

async function runVitest(project: Project, include: string): Promise<Output> {
  const config = project.write(
    'vitest.config.js',
    `export default { test: { include: ['${include}'], testTimeout: 60_000 } };`,
  );
  const program = `${realpathSync(VITEST)}/vitest.mjs`;
  return run('node', [program, 'run', '--root', project.folder, '--config', config]);
}

/** Shows what was printed where it did not. */
function passed({ code, stdout, stderr }: Output): boolean {
  if (code !== 0) process.stderr.write(`${stdout}${stderr}`);
  return code === 0;
}
