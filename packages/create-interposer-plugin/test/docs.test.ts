import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collect, filterSuite, targetSuite } from '@interposer/conformance';
import {
  createEngine,
  describeParams,
  isPluginType,
  type Param,
  parseArgs,
  type PluginType,
  Port,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkModules, ROOT, tempDirectory } from './workbench.ts';

const directory = tempDirectory();

beforeAll(() => {
  linkModules(directory);
});

function page(name: string): string {
  return readFileSync(join(ROOT, 'docs', name), 'utf8');
}

/** For each kind of parameter one of its kind; the compiler sees to it that none is missing. */
const PARAMS: Readonly<Record<Param['kind'], Param>> = {
  device: { name: 'name', kind: 'device', about: '' },
  sector: { name: 'name', kind: 'sector', about: '' },
  uint: { name: 'name', kind: 'uint', about: '' },
  size: { name: 'name', kind: 'size', about: '' },
  word: { name: 'name', kind: 'word', about: '' },
  choice: { name: 'name', kind: 'choice', values: ['on', 'off'], about: '' },
  claim: { name: 'name', kind: 'claim', about: '' },
  repeat: {
    name: 'name',
    kind: 'repeat',
    times: 'times',
    of: [{ name: 'sector', kind: 'sector', about: '' }],
    about: '',
  },
  options: {
    name: 'name',
    kind: 'options',
    of: [{ name: 'limit', kind: 'size', about: 'a size' }],
    about: '',
  },
  rest: { name: 'name', kind: 'rest', about: '' },
};

/** The rows of the table of kinds: the words in its cells. */
function rowsOfKinds(): Map<string, readonly string[]> {
  const table = page('writing-a-filter.md').split('| kind ')[1]!.split('\n\n')[0]!;
  const rows = table
    .split('\n')
    .slice(2)
    .map((line) =>
      line.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|').replace(/^`|`$/g, '')),
    );
  return new Map(rows.map(([, kind, ...cells]) => [kind!, cells]));
}

describe('the table of kinds of parameters', () => {
  const rows = rowsOfKinds();

  it('has a row for each kind', () => {
    expect([...rows.keys()]).toEqual(Object.keys(PARAMS));
  });

  it.each(Object.values(PARAMS))('says how $kind is shown, written and parsed', async (param) => {
    const [shown, written, gets] = rows.get(param.kind)!;
    expect(shown).toBe(describeParams([param]));
    const engine = createEngine({ types: [ram] });
    // The group of a repeat stands behind the number of its times.
    const times: Param[] = param.kind === 'repeat' ? [{ name: 'times', kind: 'uint', about: '' }] : [];
    const words = [...(times.length > 0 ? ['2'] : []), ...written!.split(' ')];
    const args = await parseArgs([...times, param], words, (spec) => engine.open(spec), 'test');
    if (args.name instanceof Port) {
      expect(gets).toBe('an open `Port');
      args.name.close();
    } else expect(JSON.stringify(args.name)).toBe(gets);
    await engine.close();
  });
});

/** The types that the samples of a page export, by name. */
async function typesOf(name: string): Promise<Map<string, PluginType>> {
  const types = new Map<string, PluginType>();
  const folder = join(directory, name);
  mkdirSync(folder);
  const samples = [...page(name).matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!);
  for (const [index, text] of samples.entries()) {
    // Samples that only call something are not to be run here.
    if (!/^export const /m.test(text)) continue;
    const file = join(folder, `sample-${String(index)}.ts`);
    writeFileSync(file, text);
    const module = (await import(pathToFileURL(file).href)) as object;
    for (const type of Object.values(module).filter(isPluginType)) types.set(type.name, type);
  }
  return types;
}

/** The surroundings that find most: the packages that are generated are tried in all of them. */
const HARDEST = / > (?:stacked on itself|on a mapped device|as the second row) > /;

/** Cases that hold or fail the disk of the device: none that the requests of a detour reach. */
const ABOUT_THE_DISK = /failure: |a drain that takes too long/;

describe('the samples of the guides', () => {
  it('that are filters pass the kit', async () => {
    const types = await typesOf('writing-a-filter.md');
    expect([...types.keys()]).toEqual(['count-errors', 'slow', 'retry', 'detour', 'no-mondays']);
    for (const type of types.values()) {
      if (type.kind !== 'filter' || type.name === 'no-mondays') continue;
      const detours = type.name === 'detour';
      const results = await collect(
        (runner) => {
          filterSuite(runner, { type, transparent: !detours });
        },
        { match: (name) => HARDEST.test(name) && !(detours && ABOUT_THE_DISK.test(name)) },
      );
      expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(results.length).toBeGreaterThan(100);
    }
  });

  it('that are targets pass the kit', async () => {
    const types = await typesOf('writing-a-target.md');
    expect([...types.keys()]).toEqual(['shift', 'ones']);
    const shift = types.get('shift');
    if (shift?.kind !== 'target') throw new Error('shift is no target');
    const results = await collect((runner) => {
      targetSuite(runner, {
        type: shift,
        table: ([disk]) => `${disk!} 8`,
        place: (sector) => [0, sector + 8],
      });
    });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(results.length).toBeGreaterThan(300);
  });
});
