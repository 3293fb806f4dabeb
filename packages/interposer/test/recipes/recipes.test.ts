import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { createInterposer } from '../../src/bundle.ts';
import { useBundle } from '../interop/bundle.ts';
import { Shell, type Step } from '../pages.ts';
import { type Block, recipes } from './recipe.ts';
import { launcher, user } from './unprivileged.ts';

// Every command of docs/recipes, each page in one shell of a user without rights and in a folder of its own.
const world = useBundle();
const PATIENCE = 180_000;

beforeAll(() => {
  chmodSync(world.directory, 0o755);
});

/** A shell of that user in a new folder. */
function unprivileged(name: string): Shell {
  const folder = world.path(name);
  mkdirSync(folder);
  chownSync(folder, user.uid, user.gid);
  return new Shell(world, { folder, launcher });
}

describe.skipIf(!peer('setpriv'))('the user who follows recipes', () => {
  it('has no capabilities and can get none', async () => {
    const script = 'id -u; grep -E "^(CapEff|NoNewPrivs)" /proc/self/status';
    const printed = await unprivileged('user').run(script);
    expect(printed).toBe(`${String(user.uid)}\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n`);
  });
});

describe.skipIf(!peer('setpriv')).each(recipes())('docs/recipes/$name', ({ name, blocks, files }) => {
  const printed = new Map<Block, Step[]>();
  let shell: Shell;

  beforeAll(async () => {
    shell = unprivileged(name.replace('.md', ''));
    for (const [file, text] of files) shell.write(file, text);
    const possible = blocks.filter(({ clients }) => peer(...clients));
    const steps = await shell.follow(possible.flatMap((block) => block.steps));
    for (const block of possible) printed.set(block, steps.splice(0, block.steps.length));
  }, PATIENCE);

  afterAll(() => shell.run('interposer shutdown'));

  for (const [at, block] of blocks.entries()) {
    it.skipIf(!peer(...block.clients))(`shows what its commands print: block ${String(at + 1)}`, () => {
      expect(block.steps.length).toBeGreaterThan(0);
      expect(printed.get(block)).toEqual(block.steps);
    });
  }
});

describe.each(recipes())('the tables of docs/recipes/$name', ({ name, filters }) => {
  it('name filters that there are', async () => {
    const engine = createInterposer();
    await engine.create('disk', { table: '0 131072 linear ram:64M 0' });
    for (const filter of filters) {
      await engine.attachFilter('disk', filter);
      await engine.detachFilter('disk', /^\w+/.exec(filter)![0]);
    }
    await engine.remove('disk');
    await engine.close();
    expect(filters.length).toBeGreaterThan(name === 'README.md' ? -1 : 3);
  });
});
