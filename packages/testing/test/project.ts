import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** A project of somebody who has installed the package: a folder with plain JavaScript, outside the workspace. */
export class Project {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** With the package, and others of this scope. */
  static async make(...others: readonly string[]): Promise<Project> {
    const project = new Project(mkdtempSync(join(tmpdir(), 'testing-project-')));
    project.write('package.json', '{ "type": "module" }');
    for (const name of ['testing', ...others]) await project.#install(name);
    return project;
  }

  async #install(name: string): Promise<void> {
    const installed = `node_modules/@interposer/${name}`;
    const manifest = { name: `@interposer/${name}`, type: 'module', exports: './index.js' };
    this.write(`${installed}/package.json`, JSON.stringify(manifest));
    await build({
      entry: { index: fileURLToPath(new URL(`../../${name}/src/index.ts`, import.meta.url)) },
      outDir: this.path(installed),
      outExtension: () => ({ js: '.js' }),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      config: false,
      silent: true,
      noExternal: [/^@interposer\//],
      external: ['koffi'],
      esbuildOptions: (options) => {
        options.conditions = ['@interposer/source'];
      },
    });
  }

  /** Of a file in it. */
  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Replaces a text in a file, which must have it. */
  edit(name: string, before: string, after: string): void {
    const text = readFileSync(this.path(name), 'utf8');
    if (!text.includes(before)) throw new Error(`${name} has no ${before}`);
    writeFileSync(this.path(name), text.replace(before, after));
  }

  /** Makes a package of the workspace's root available in it. */
  use(name: string): void {
    if (!existsSync(this.path(`node_modules/${name}`)))
      symlinkSync(join(MODULES, name), this.path(`node_modules/${name}`));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
