// A project of a third party, outside the workspace: the packages of the workspace installed from tarballs, and in it
// plugins as the generator makes them.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ourDependencies, readPackages, root, RUNTIME } from '../workspace.mjs';
import { run, succeed } from './command.mjs';

/** What a third party installs by name; their dependencies come along. */
const WANTED = ['interposer', 'create-interposer-plugin', '@interposer/conformance'];

/** Plugins that are installed beside the command; it finds them. */
export const INSTALLED = [
  { kind: 'target', name: 'veil', scope: '@third' },
  { kind: 'device', name: 'pattern' },
];

/** A plugin that nobody installed: the command is told its path. */
export const LOOSE = { kind: 'filter', name: 'write-limit' };

export class Project {
  /** An empty directory. */
  constructor(directory) {
    this.directory = directory;
    this.env = { ...process.env, INTERPOSER_SOCKET: join(directory, 'control.sock') };
    // Plugins of the user's own stay out of it.
    delete this.env.INTERPOSER_PLUGINS;
  }

  /** Packs what is wanted, as it would be published; the names with their tarballs. */
  async pack() {
    const packages = closure();
    const names = packages.map(({ manifest }) => manifest.name);
    const tarballs = join(this.directory, 'tarballs');
    const PATH = [join(root, '.cache/pnpm/node_modules/.bin'), process.env.PATH].join(delimiter);
    const filters = names.flatMap((name) => ['--filter', name]);
    const args = ['--recursive', ...filters, 'pack', '--pack-destination', tarballs];
    await succeed('pnpm', args, { cwd: root, env: { ...process.env, PATH } });
    const files = readdirSync(tarballs);
    return packages.map(({ manifest: { name, version } }) => {
      const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
      if (!files.includes(file)) throw new Error(`${name} was packed as none of ${files.join(', ')}`);
      return [name, `file:tarballs/${file}`];
    });
  }

  /** Writes the project's package.json. Whoever asks for a package of ours, by whatever range, gets the tarball's. */
  describe(tarballs) {
    const manifest = {
      private: true,
      type: 'module',
      workspaces: INSTALLED.map(({ name }) => `plugins/${name}`),
      dependencies: Object.fromEntries(tarballs),
      overrides: Object.fromEntries(tarballs.map(([name]) => [name, `$${name}`])),
    };
    writeFileSync(join(this.directory, 'package.json'), JSON.stringify(manifest, null, 2));
  }

  /** Makes a plugin with the program of the packed generator, which needs nothing installed. */
  async generate({ kind, name, scope }, generator) {
    const options = ['--dir', join(this.directory, 'plugins', name), ...(scope ? ['--scope', scope] : [])];
    await succeed(process.execPath, [generator, kind, name, ...options], this.place());
  }

  /** Unpacks a tarball. */
  async unpack(tarball, into) {
    mkdirSync(into, { recursive: true });
    const file = join(this.directory, tarball.replace('file:', ''));
    await succeed('tar', ['-xzf', file, '-C', into], this.place());
    return join(into, 'package');
  }

  /** Nothing is kept outside the project but in npm's own cache; optional parts are not what is tried here. */
  async install() {
    const flags = ['--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await succeed('npm', ['install', '--loglevel=error', ...flags], this.place());
  }

  /** A script of a plugin's package.json: what it printed. */
  npm(plugin, ...args) {
    return succeed('npm', args, this.place('plugins', plugin));
  }

  runNpm(plugin, ...args) {
    return run('npm', args, this.place('plugins', plugin));
  }

  /** The command, as it is installed in the project: what it printed. */
  interposer(...args) {
    return succeed(this.program, args, this.place());
  }

  runInterposer(...args) {
    return run(this.program, args, this.place());
  }

  get program() {
    return join(this.directory, 'node_modules', '.bin', 'interposer');
  }

  /** A copy of a plugin, with a core of another interface number that it brings along: the two numbers. */
  copyForOtherCore(from, to) {
    const copy = join(this.directory, 'plugins', to);
    cpSync(join(this.directory, 'plugins', from), copy, { recursive: true });
    const core = join(copy, 'node_modules', '@interposer', 'core');
    cpSync(join(this.directory, 'node_modules', '@interposer', 'core'), core, { recursive: true });
    const file = join(core, 'dist', 'index.js');
    const text = readFileSync(file, 'utf8');
    const number = Number(/\bAPI_VERSION = (\d+)/.exec(text)?.[1]);
    if (Number.isNaN(number)) throw new Error(`${file} sets no API_VERSION`);
    writeFileSync(file, text.replace(`API_VERSION = ${number}`, `API_VERSION = ${number + 1}`));
    return { own: number, other: number + 1 };
  }

  place(...path) {
    return { cwd: join(this.directory, ...path), env: this.env };
  }
}

/** The wanted packages and all of ours that they need. */
function closure() {
  const packages = new Map(readPackages().map((entry) => [entry.manifest.name, entry]));
  const needed = new Set(WANTED);
  for (const name of needed) {
    for (const other of ourDependencies(packages.get(name).manifest, RUNTIME)) needed.add(other);
  }
  return [...needed].map((name) => packages.get(name));
}
