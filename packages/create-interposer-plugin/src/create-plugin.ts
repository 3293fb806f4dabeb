import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Refusal } from './errors.ts';
import { fillTemplate, type Values } from './fill-template.ts';
import { ABOUT, type Kind } from './kinds.ts';
import { checkName, checkScope, namesOf } from './names.ts';

/** What to make. */
export interface PluginRequest {
  readonly kind: Kind;
  /** Name of the type: at most 15 of a-z, 0-9 and -, a letter first. */
  readonly name: string;
  /** Where the package goes: a directory that is empty or does not exist. */
  readonly directory: string;
  /** npm scope of the package, e.g. `@me`; none by default. */
  readonly scope?: string;
  /** Who holds the copyright; `PACKAGE contributors` by default. */
  readonly author?: string;
  /** Year of the copyright; this year by default. */
  readonly year?: number;
}

/** What was made. */
export interface MadePlugin {
  readonly packageName: string;
  /** Absolute. */
  readonly directory: string;
  /** Paths below the directory, sorted, with `/` between names. */
  readonly files: readonly string[];
}

/** Beside `src` and beside `dist`. */
const TEMPLATES = fileURLToPath(new URL('../templates', import.meta.url));

/** Writes a package with a plugin of a kind. Throws a Refusal for a bad name or scope, and where the directory holds files. */
export function createPlugin(request: PluginRequest): MadePlugin {
  const { kind, name, scope } = request;
  checkName(name, kind);
  if (scope !== undefined) checkScope(scope);
  const directory = resolve(request.directory);
  checkEmpty(directory);
  const names = namesOf(name, scope);
  const values = {
    kind,
    about: ABOUT[kind],
    names,
    author: request.author ?? `${names.packageName} contributors`,
    year: request.year ?? new Date().getFullYear(),
  };
  const files = filesOf(values);
  for (const [file, text] of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text);
  }
  return { packageName: names.packageName, directory, files: [...files.keys()].sort() };
}

function checkEmpty(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new Refusal(`${directory} is a file; name a directory with --dir`);
  if (readdirSync(directory).length > 0) {
    throw new Refusal(`${directory} is not empty; name another directory with --dir`);
  }
}

/** The texts of all files, by path. A Refusal where the name would give one path to two of them. */
function filesOf(values: Values): Map<string, string> {
  const files = new Map<string, string>();
  for (const template of ['common', values.kind].flatMap(templatesIn)) {
    const file = targetPath(template.path, values);
    if (files.has(file)) {
      const { name } = values.names;
      throw new Refusal(`"${name}" is no name for a ${values.kind}: its package has another file ${file}`);
    }
    const text = fillTemplate(template.text, values, file.endsWith('.json'));
    files.set(file, file === 'package.json' ? asNpmWrites(text) : text);
  }
  return files;
}

/** So that the first `npm install --save` changes nothing but what it adds. */
function asNpmWrites(json: string): string {
  return `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
}

function templatesIn(part: string): { readonly path: string; readonly text: string }[] {
  const from = join(TEMPLATES, part);
  return readdirSync(from, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(from, path)).isFile())
    .map((path) => ({ path, text: readFileSync(join(from, path), 'utf8') }));
}

/**
 * Templates that would mean something to npm or pnpm if they had their own names in this package: what to leave out, what
 * package this is, and what its licence is.
 */
const RENAMED: Readonly<Record<string, string>> = {
  _gitignore: '.gitignore',
  '_package.json': 'package.json',
  _COPYING: 'LICENSE',
};

function targetPath(path: string, values: Values): string {
  return RENAMED[path] ?? fillTemplate(path, values).split(sep).join('/');
}

/** A directory as a user would write it who stands in another. */
export function shortPath(directory: string, from: string): string {
  const path = relative(from, directory);
  if (path === '') return '.';
  return path.startsWith('..') ? directory : path;
}
