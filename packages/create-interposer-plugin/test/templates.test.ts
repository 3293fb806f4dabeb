import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, getFileInfo, resolveConfig } from 'prettier';
import { build } from 'tsup';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPlugin, KINDS } from '../src/index.ts';
import { linkModules, ROOT, tempDirectory } from './workbench.ts';

const PLACEHOLDER = /PLUGIN_[A-Z]|plugin-name|[pP]luginName/;

const directory = tempDirectory();
/** One plugin of each kind, the names as different as they may be. */
const plugins = [
  { kind: 'filter', name: 'write-limit-15c', scope: '@some.one' },
  { kind: 'target', name: 'x' },
  { kind: 'device', name: 'new', author: 'Somebody "S" <s@example.org>' },
] as const;
const folders = plugins.map(({ kind }) => join(directory, kind));

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('node_modules') && statSync(join(folder, path)).isFile())
    .map((path) => join(folder, path));
}

beforeAll(() => {
  linkModules(directory);
  plugins.forEach((plugin, index) => createPlugin({ ...plugin, directory: folders[index]!, year: 2026 }));
});

describe('a generated package', () => {
  it('is there for every kind', () => {
    expect(plugins.map(({ kind }) => kind)).toEqual(KINDS);
  });

  it('has everything a package needs, and no word of the templates', () => {
    for (const folder of folders) {
      const files = filesOf(folder);
      const names = files.map((file) => file.slice(folder.length + 1));
      expect(names).toEqual(
        expect.arrayContaining(['.gitignore', 'LICENSE', 'README.md', 'package.json', 'src/index.ts']),
      );
      for (const file of files) expect(`${file}\n${readFileSync(file, 'utf8')}`).not.toMatch(PLACEHOLDER);
    }
  });

  it('says in its package.json what it is', () => {
    const [filter, target, device] = folders.map((folder) => manifestOf(folder));
    expect(filter).toMatchObject({
      name: '@some.one/interposer-plugin-write-limit-15c',
      author: '@some.one/interposer-plugin-write-limit-15c contributors',
      keywords: expect.arrayContaining(['interposer-plugin', 'filter']),
    });
    expect(target).toMatchObject({ name: 'interposer-plugin-x' });
    expect(device).toMatchObject({ author: 'Somebody "S" <s@example.org>' });
    expect(readFileSync(join(folders[2]!, 'LICENSE'), 'utf8')).toContain(
      '(c) 2026 Somebody "S" <s@example.org>',
    );
  });

  it('wants the versions that plugins of the workspace want', () => {
    const own = manifestOf(join(ROOT, 'packages', 'target-linear'));
    const range = own.peerDependencies!['@interposer/core']!.replace('workspace:', '');
    const { peerDependencies, devDependencies } = manifestOf(folders[0]!);
    expect(peerDependencies).toEqual({ '@interposer/core': range });
    const family = Object.entries(devDependencies!).filter(([name]) => name.startsWith('@interposer/'));
    expect(new Set(family.map(([, wanted]) => wanted))).toEqual(new Set([range]));
    const catalog = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
    for (const name of ['@types/node', 'typescript']) {
      expect(catalog).toMatch(new RegExp(`${name}'?: ${devDependencies![name]!.replace(/^[~^]/, '')}\n`));
    }
  });

  it('is formatted as the workspace is', async () => {
    for (const file of folders.flatMap(filesOf)) {
      const { inferredParser } = await getFileInfo(file);
      if (inferredParser === null) continue;
      const options = await resolveConfig(join(ROOT, 'README.md'));
      const sound = await check(readFileSync(file, 'utf8'), { ...options, filepath: file });
      expect(sound, `${file} is not formatted`).toBe(true);
    }
  });
});

describe('the code of a generated package', () => {
  it('passes the type check with its own settings, the samples of its README too', () => {
    const samples = folders.flatMap((folder) => {
      const name = manifestOf(folder).name!;
      return [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
        ([, text], index) => {
          const file = join(folder, 'test', `sample-${String(index)}.ts`);
          writeFileSync(file, text!);
          return { name, file };
        },
      );
    });
    expect(samples).toHaveLength(3);
    const paths = samples.map(({ name }, index) => [name, [join(folders[index]!, 'src/index.ts')]]);
    const compilerOptions = {
      customConditions: ['@interposer/source'],
      noEmit: true,
      rootDir: '/',
      paths: Object.fromEntries(paths) as Record<string, string[]>,
    };
    const include = folders.flatMap((folder) => [`${folder}/src`, `${folder}/test`]);
    const config = { extends: './filter/tsconfig.json', compilerOptions, include };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', directory], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it.each(KINDS)('passes its own tests and the conformance kit: %s', async (kind) => {
    const folder = join(directory, kind);
    const outDir = join(folder, 'bundled');
    await bundleTests(folder, outDir);
    const files = readdirSync(outDir)
      .filter((name) => name.endsWith('.test.mjs'))
      .map((name) => join(outDir, name));
    expect(files).toHaveLength(2);
    // Inside vitest, node:test would take itself for a test of it.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined };
    const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...files], {
      encoding: 'utf8',
      env,
      maxBuffer: 1 << 26,
    });
    expect(stdout.split('\n').filter((line) => /^\s*not ok/.test(line))).toEqual([]);
    expect(Number(/^# tests (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(100);
    expect(status).toBe(0);
  });
});

/** The tests as programs that hold all they import, from the sources of the workspace: nothing has to be built before. */
async function bundleTests(folder: string, outDir: string): Promise<void> {
  const tests = filesOf(join(folder, 'test')).filter((file) => file.endsWith('.test.ts'));
  await build({
    entry: tests,
    outDir,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    platform: 'node',
    target: 'node20',
    config: false,
    silent: true,
    // There is no `test` without it.
    removeNodeProtocol: false,
    tsconfig: join(folder, 'tsconfig.json'),
    noExternal: [/^@interposer\//],
    esbuildOptions: (options) => {
      options.conditions = ['@interposer/source'];
    },
  });
}

interface Manifest {
  readonly name?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
