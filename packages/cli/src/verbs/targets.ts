import { fail, type TypeInfo } from '@interposer/core';
import type { PluginInfo } from '../plugins/plugin.ts';
import { ioctlFailure } from '../failure.ts';
import { ANY, type Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const targets: Verb = {
  name: 'targets',
  dmsetup: true,
  operands: '',
  count: [0, 0],
  summary: 'List the target types there are, with their versions',
  about:
    'Plugins are found when the daemon starts: packages named @interposer/target-*, @interposer/filter-*, ' +
    '@interposer/device-*, interposer-plugin-* or @SCOPE/interposer-plugin-*, or with "interposer": {"plugin": true} in ' +
    'their package.json, in the node_modules folders at and above the working directory and the program itself.',
  options: ['all'],
  examples: [
    { command: 'interposer targets', about: 'Target types' },
    { command: 'interposer targets --all', about: 'Filters and drivers as well, and their packages' },
  ],
  run: async (command) => {
    const service = await command.service();
    const [types, plugins, problems] = [
      await service.types(),
      await service.plugins(),
      await service.problems(),
    ];
    command.show({ types: types.map((type) => ({ ...type, ...originOf(type, plugins) })), problems }, () => {
      if (command.options.has('all')) return allTypes(types, plugins, problems);
      return types
        .filter(({ kind }) => kind === 'target')
        .map(typeLine)
        .join('');
    });
    return undefined;
  },
};

export const targetVersion: Verb = {
  name: 'target-version',
  dmsetup: true,
  operands: 'TYPE...',
  count: [1, ANY],
  summary: 'Show the versions of target types',
  options: [],
  examples: [{ command: 'interposer target-version linear', about: 'One type' }],
  run: async (command) => {
    const service = await command.service();
    const types = await service.types();
    for (const name of command.operands) {
      const type = types.find((one) => one.kind === 'target' && one.name === name);
      if (type === undefined) throw unknownTarget(name);
      command.show(type, () => typeLine(type));
    }
    return undefined;
  },
};

function unknownTarget(name: string): Error {
  const reason = fail(
    'EINVAL',
    `unknown target type; install @interposer/target-${name}, or name its package with --plugin`,
  );
  return ioctlFailure('target-version', { name }, reason);
}

/** dmsetup's form: the name padded to 16. */
function typeLine({ name, version }: TypeInfo): string {
  return `${name.padEnd(16)} v${version.join('.')}\n`;
}

function allTypes(
  types: readonly TypeInfo[],
  plugins: readonly PluginInfo[],
  problems: readonly string[],
): string {
  const rows = types.map((type) => {
    const origin = originOf(type, plugins);
    const from = 'builtIn' in origin ? 'built in' : `${origin.package} ${origin.packageVersion}`;
    return [type.kind, type.name, `v${type.version.join('.')}`, from];
  });
  const table = formatTable(['KIND', 'NAME', 'VERSION', 'PACKAGE'], rows);
  return `${table}${problems.map((problem) => `not loaded: ${problem}\n`).join('')}`;
}

/** Where a type comes from: a package, or core itself. */
type Origin = { readonly package: string; readonly packageVersion: string } | { readonly builtIn: true };

function originOf({ kind, name }: TypeInfo, plugins: readonly PluginInfo[]): Origin {
  const plugin = plugins.find(({ types }) => types.some((type) => type.kind === kind && type.name === name));
  return plugin === undefined
    ? { builtIn: true }
    : { package: plugin.package, packageVersion: plugin.version };
}

export const version: Verb = {
  name: 'version',
  dmsetup: true,
  operands: '',
  count: [0, 0],
  summary: 'Show versions',
  options: [],
  examples: [
    {
      command: 'interposer version',
      about: 'Of this program, and of the device mapper interface it follows',
    },
  ],
  run: (command) => {
    const library = command.program.version;
    command.show(
      { library, driver: DRIVER_VERSION },
      () => `Library version:   ${library}\nDriver version:    ${DRIVER_VERSION}\n`,
    );
    return Promise.resolve(undefined);
  },
};

/** The interface version of the kernel whose behaviour this one has. */
const DRIVER_VERSION = '4.48.0';
