import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createEngine } from '@interposer/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { discoverPlugins } from '../src/plugins/discover.ts';
import { loadPlugin } from '../src/plugins/load-plugin.ts';
import { PluginSet, registerAll } from '../src/plugins/plugin-set.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
const project = join(directory, 'project');

/** A module with a target type that does nothing. */
function targetModule(name: string, api = 1): string {
  return `export const type = { kind: 'target', api: ${String(api)}, name: '${name}', version: [3, 2, 1], ops: 31, features: {}, params: [],
    create: () => ({ map: () => 4, areas: () => [], table: () => '' }) };
    export const alias = type; export const other = 7;`;
}

function addPackage(folder: string, name: string, manifest: object, module: string): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(
    join(path, 'package.json'),
    JSON.stringify({ name, version: '4.5.6', type: 'module', ...manifest }),
  );
  writeFileSync(join(path, 'entry.js'), module);
}

beforeAll(() => {
  mkdirSync(join(project, 'deep'), { recursive: true });
  addPackage(
    project,
    '@interposer/target-one',
    { exports: { '.': { types: './x.d.ts', import: './entry.js' } } },
    targetModule('one'),
  );
  addPackage(project, 'interposer-plugin-two', { exports: './entry.js' }, targetModule('two'));
  addPackage(project, '@someone/interposer-plugin-three', { main: 'entry.js' }, targetModule('three'));
  addPackage(project, 'any-name', { main: 'entry.js', interposer: { plugin: true } }, targetModule('four'));
  addPackage(project, 'no-plugin', { main: 'entry.js' }, targetModule('five'));
  addPackage(directory, '@interposer/filter-above', { main: 'entry.js' }, targetModule('above'));
  addPackage(
    directory,
    'any-name',
    { main: 'entry.js', interposer: { plugin: true } },
    targetModule('hidden'),
  );
  addPackage(project, 'interposer-plugin-api', { main: 'entry.js' }, targetModule('future', 99));
  addPackage(project, 'interposer-plugin-throws', { main: 'entry.js' }, `throw new Error('at import');`);
  addPackage(project, 'interposer-plugin-empty', { main: 'entry.js' }, `export default 1;`);
  addPackage(project, 'interposer-plugin-unbuilt', { main: 'dist/index.js' }, '');
  addPackage(project, 'interposer-plugin-zero', { main: 'entry.js' }, targetModule('zero'));
});

function namesFrom(...starts: readonly string[]): string[] {
  return discoverPlugins(starts).map(({ name }) => name);
}

describe('discovery', () => {
  it('finds plugin packages by name and by manifest, at and above a directory', () => {
    expect(namesFrom(join(project, 'deep'))).toEqual([
      '@interposer/filter-above',
      '@interposer/target-one',
      '@someone/interposer-plugin-three',
      'any-name',
      'interposer-plugin-api',
      'interposer-plugin-empty',
      'interposer-plugin-throws',
      'interposer-plugin-two',
      'interposer-plugin-unbuilt',
      'interposer-plugin-zero',
    ]);
    expect(discoverPlugins([project]).find(({ name }) => name === 'any-name')?.directory).toBe(
      join(project, 'node_modules', 'any-name'),
    );
    expect(namesFrom(directory)).toEqual(['@interposer/filter-above', 'any-name']);
  });

  it('finds what is installed beside a program inside node_modules', () => {
    expect(namesFrom(join(project, 'node_modules', 'no-plugin', 'dist'))).toContain('interposer-plugin-two');
  });

  it('uses what works, and reports what does not', async () => {
    const engine = createEngine({ types: [] });
    const plugins = new PluginSet(registerAll(engine.registry));
    await plugins.fill({ bundled: PLUGINS, named: ['nosuch'], from: project, discoverFrom: [project] });
    const targets = engine.registry.targets().map(({ name }) => name);
    expect(targets).toEqual(['above', 'error', 'four', 'linear', 'one', 'striped', 'three', 'two', 'zero']);
    expect(plugins.list().find((plugin) => plugin.package === 'any-name')).toEqual({
      package: 'any-name',
      version: '4.5.6',
      types: [{ kind: 'target', name: 'four' }],
    });
    expect(plugins.problems).toEqual([
      `plugin "nosuch" is no file, directory or package that is installed at or above ${project}`,
      expect.stringMatching(/interposer-plugin-api: .*built for core interface 99; this core has 1/),
      'plugin interposer-plugin-empty exports no target, filter or driver type',
      'plugin interposer-plugin-throws does not load: at import',
      'interposer-plugin-unbuilt has no file dist/index.js; is it built?',
      expect.stringMatching(/interposer-plugin-zero: .*"zero" is registered already/),
    ]);
  });
});

describe('a plugin by name', () => {
  it.each([
    'interposer-plugin-two',
    './node_modules/interposer-plugin-two',
    'node_modules/interposer-plugin-two/entry.js',
  ])('%s', async (spec) => {
    const { types } = await loadPlugin(spec, project);
    expect(types.map(({ name }) => name)).toEqual(['two']);
  });

  it('through a link is the same module', async () => {
    const link = join(directory, 'linked', 'node_modules', 'interposer-plugin-two');
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(project, 'node_modules', 'interposer-plugin-two'), link);
    const [one, other] = [
      await loadPlugin('interposer-plugin-two', project),
      await loadPlugin('interposer-plugin-two', join(directory, 'linked')),
    ];
    expect(other.types[0]).toBe(one.types[0]);
  });

  it('is loaded into a running daemon, and its types work', async () => {
    const bench = new Workbench(project);
    expect((await bench.run(['create', 'd', '--table', '0 8 one'])).stderr).toContain(
      'install @interposer/target-one, or name its package with --plugin',
    );
    const client = bench.connect();
    expect(await client.loadPlugin('@interposer/target-one')).toMatchObject({ version: '4.5.6' });
    await client.loadPlugin('@interposer/target-one');
    await bench.ok('create', 'd', '--table', '0 8 one');
    expect(await bench.ok('target-version', 'one')).toBe('one              v3.2.1\n');
    await expect(client.loadPlugin('interposer-plugin-api')).rejects.toMatchObject({ code: 'EAPI' });
    expect(await bench.ok('targets', '--all')).toMatch(
      /^target +one +v3\.2\.1 +@interposer\/target-one 4\.5\.6$/m,
    );
  });
});
