import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { CrashWorld } from './crash-world.ts';
import { buildProgram } from './program.ts';

const page = readFileSync(new URL('../../../docs/crash-test.md', import.meta.url), 'utf8');
const family = new URL('../../interposer/src/index.ts', import.meta.url);
const world = new CrashWorld();

/** The sample on the page that begins with these words. */
function sample(beginning: string): string {
  const found = page.split('```').find((text) => text.split('\n')[1] === beginning);
  return found!.slice(found!.indexOf('\n') + 1);
}

/** What a command on the page prints. */
function outputOf(number: number): string {
  const command =
    "$ interposer crash-test --size 1M --run 'node store.mjs' --check 'sh \"$INTERPOSER_CWD/check.sh\"'\n";
  return page.split(command)[number]!.split('```')[0]!;
}

/** Without what differs from machine to machine. */
function settled(text: string): string {
  return text
    .replace(/in [\d.]+ s\n/, 'in 0 s\n')
    .replace(/^\d+ states\/s/m, '0 states/s')
    .replace(/file {9}\/.*\/crash-test/, 'file         crash-test');
}

/** Runs the store of the page. */
async function search(name: string, source: string): Promise<{ code: number | null; stdout: string }> {
  const entry = join(world.directory, `${name}.ts`);
  writeFileSync(entry, source.replace("'interposer'", JSON.stringify(family.pathname)));
  const script = await buildProgram(join(world.directory, name), pathToFileURL(entry));
  const { code, stdout } = await world.run(
    '--size',
    '1M',
    '--run',
    `'${process.execPath}' '${script}'`,
    ...world.check,
  );
  return { code, stdout };
}

beforeAll(() => {
  writeFileSync(join(world.directory, 'check.sh'), sample('# check.sh'));
});

describe('docs/crash-test.md', () => {
  it('has a store that loses a record, and what is printed then', async () => {
    const { code, stdout } = await search('careless', sample('// store.mjs'));
    expect(code).toBe(2);
    expect(settled(stdout)).toBe(settled(outputOf(1)));
  });

  it('says how to mend it', async () => {
    const flush = 'await disk.flush()';
    expect(page).toContain(`\`${flush}\` between the two writes`);
    const mended = sample('// store.mjs').replace(
      '  await disk.write(0',
      `  ${flush};\n  await disk.write(0`,
    );
    const { code, stdout } = await search('careful', mended);
    expect(code).toBe(0);
    expect(settled(stdout)).toBe(settled(outputOf(2)));
  });
});
