// Every ```ts sample of README.md, docs/ and packages/*/README.md passes the type check against the workspace, each
// sample as a module of its own; every relative link leads to a file, and to a heading where it names one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readPackages, root } from '../workspace.mjs';

const work = join(root, '.cache', 'docs');
const problems = [];
const samples = new Map();

const pages = findPages();
for (const page of pages) {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  const { prose, fences } = split(lines);
  checkLinks(page, prose);
  for (const fence of fences)
    if (/^(ts|typescript)\b/.test(fence.language)) samples.set(fileName(page, fence), { page, fence });
}
checkSamples();
console.log(`docs: ${pages.length} pages, ${samples.size} samples`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function findPages() {
  const found = [
    'README.md',
    'CONTRIBUTING.md',
    ...readPackages().map(({ directory }) => `packages/${directory}/README.md`),
  ];
  if (existsSync(join(root, 'docs'))) {
    const names = readdirSync(join(root, 'docs'), { recursive: true }).map(String);
    found.push(...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`));
  }
  return found.filter((page) => existsSync(join(root, page))).sort();
}

/** The lines outside code fences (others empty, so that numbers stay true), and the fences. */
function split(lines) {
  const prose = [];
  const fences = [];
  let open;
  lines.forEach((line, index) => {
    const mark = /^\s*(`{3,}|~{3,})\s*(.*)$/.exec(line);
    if (open === undefined && mark !== null) {
      open = { mark: mark[1], language: mark[2].trim(), first: index + 1, body: [] };
    } else if (open !== undefined && mark !== null && mark[1].startsWith(open.mark) && mark[2] === '') {
      fences.push(open);
      open = undefined;
    } else if (open !== undefined) open.body.push(line);
    else {
      prose[index] = line;
      return;
    }
    prose[index] = '';
  });
  return { prose, fences };
}

function fileName(page, fence) {
  return `${page.replace(/[^\w]+/g, '-')}-${fence.first}.ts`;
}

function checkSamples() {
  rmSync(work, { recursive: true, force: true });
  if (samples.size === 0) return;
  mkdirSync(work, { recursive: true });
  for (const [name, { fence }] of samples) {
    // Blank lines before the sample make the compiler's line numbers those of the page.
    writeFileSync(join(work, name), `${'\n'.repeat(fence.first)}${fence.body.join('\n')}\nexport {};\n`);
  }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(sampleConfig()));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', work, '--pretty', 'false'];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8' });
  if (status !== 0)
    problems.push(
      stdout.trim().replace(/^([\w-]+\.ts)\((\d+),(\d+)\)/gm, (text, name, line, column) => {
        const page = samples.get(name)?.page;
        return page === undefined ? text : `${page}:${line}:${column}`;
      }),
    );
}

/** A sample sees all packages, by their sources; the workspace root itself depends on none of them. */
function sampleConfig() {
  const paths = {};
  for (const { path, manifest } of readPackages()) {
    for (const [key, entry] of Object.entries(manifest.exports ?? {})) {
      const source = entry['@interposer/source'];
      if (source !== undefined) paths[join(manifest.name, key)] = [relative(work, join(path, source))];
    }
  }
  return {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      paths,
      rootDir: root,
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    include: ['*.ts'],
  };
}

function checkLinks(page, prose) {
  prose.forEach((line, index) => {
    const text = line.replace(/`[^`]*`/g, '');
    for (const [, target] of text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)/g)) {
      if (target !== undefined) checkLink(page, index + 1, target);
    }
  });
}

function checkLink(page, line, target) {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return;
  const [path, anchor] = target.split('#');
  const file = path === '' ? join(root, page) : resolve(root, dirname(page), decodeURIComponent(path));
  if (!existsSync(file)) problems.push(`${page}:${line}: no such file: ${target}`);
  else if (anchor && file.endsWith('.md') && !headings(file).has(anchor)) {
    problems.push(`${page}:${line}: no such heading: ${target}`);
  }
}

/** Anchors as the usual web views of Markdown make them. */
function headings(file) {
  const { prose } = split(readFileSync(file, 'utf8').split('\n'));
  const anchors = new Set();
  for (const line of prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const base = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
