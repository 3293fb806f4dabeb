import { join } from 'node:path';
import { defineTarget, type Engine, MapResult, opSet, BioOp, createEngine } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { down, parseStack, type Stack, status, up } from '../src/index.ts';
import { engineIn, makeImage, temporaryFolder } from './support/engine.ts';

/** A stack whose relative paths, like those of the engine, start in a new folder with an image. */
function prepare(text: string): { stack: Stack; engine: Engine; folder: string } {
  const folder = temporaryFolder();
  makeImage(join(folder, 'disk.img'), 1);
  makeImage(join(folder, 'other.img'), 1);
  const stack = parseStack(`version: 1\n${text}`, { file: join(folder, 's.yaml'), environment: {} });
  return { stack, engine: engineIn(folder), folder };
}

async function statesOf(engine: Engine, stack: Stack): Promise<string[]> {
  return (await status(engine, stack)).map(({ path, state }) => `${path} ${state}`);
}

const TEXT = `
devices:
  upper: { table: 0 100 linear /dev/mapper/lower 010, readOnly: true }
  lower:
    table: |
      0 64 striped 2 8 disk.img 0 ./other.img 8
      64 64 linear ram:1M 0
      128 8 linear disk.img 128 noexcl
    uuid: 'a b'
  cover: { table: 0 2048 linear other.img 0 noexcl }
filters:
  lower: [stats, throttle@340000.50 iops=1000]
  other.img: [throttle iops=0500]
remaps:
  cover: { device: other.img, altitude: 200001.0 }
rules:
  - { pattern: 'up*', filter: stats  areas=7 }
`;

describe('with an engine', () => {
  it('finds everything as it was made, and makes nothing twice', async () => {
    const { stack, engine } = prepare(TEXT);
    await up(engine, stack);
    expect(new Set((await status(engine, stack)).map(({ state }) => state))).toEqual(new Set(['present']));
    expect((await engine.filters('upper')).map(({ type, args }) => `${type} ${args}`)).toEqual([
      'stats areas=7',
    ]);
    const made = await engine.listDevices();
    const steps = await up(engine, stack);
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(['kept']));
    expect(await engine.listDevices()).toEqual(made);
    await down(engine, stack);
    expect(await engine.listDevices()).toEqual([]);
    expect(await engine.rules()).toEqual([]);
    await engine.close();
  });

  it('looks at a stack that is down without opening anything', async () => {
    const { stack, engine } = prepare(TEXT);
    expect(new Set((await status(engine, stack)).map(({ state }) => state))).toEqual(new Set(['absent']));
    expect(await engine.listDevices()).toEqual([]);
    await down(engine, stack);
    await engine.close();
  });

  it('leaves nothing behind when the engine refuses the last item', async () => {
    const { stack, engine } = prepare(TEXT.replace('iops=0500', 'iops=none'));
    await expect(up(engine, stack)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(
        /s\.yaml:14:15: filter throttle on other\.img: [^]*taken down again$/,
      ) as unknown,
    });
    expect(await engine.listDevices()).toEqual([]);
    expect(await engine.rules()).toEqual([]);
    await engine.close();
  });

  it('sees another device, another argument and another mode as differences', async () => {
    const { stack, engine, folder } = prepare(TEXT);
    await up(engine, stack);
    const changed = (from: string, to: string): Stack =>
      parseStack(`version: 1\n${TEXT.replace(from, to)}`, { file: stack.file, environment: {} });
    const differing = async (from: string, to: string): Promise<string[]> =>
      (await statesOf(engine, changed(from, to))).filter((state) => !state.endsWith(' present'));
    expect(await differing('./other.img 8', './disk.img 8')).toEqual(['devices.lower differs']);
    expect(await differing('./other.img 8', join(folder, 'other.img 8'))).toEqual([]);
    expect(await differing('ram:1M', 'ram:2M')).toEqual(['devices.lower differs']);
    expect(await differing('linear ram:1M 0', 'linear ram:1M 1')).toEqual(['devices.lower differs']);
    expect(await differing("'a b'", 'ab')).toEqual(['devices.lower differs']);
    expect(await differing(', readOnly: true', '')).toEqual(['devices.upper differs']);
    expect(await differing('iops=1000', 'iops=1001')).toEqual(['filters.lower[1] differs']);
    expect(await differing('throttle@340000.50', 'throttle@340001')).toEqual(['filters.lower[1] absent']);
    expect(await differing('device: other.img', 'device: disk.img')).toEqual(['remaps.cover differs']);
    expect(await differing('areas=7', 'areas=8')).toEqual(['rules[0] absent']);
    await down(engine, stack);
    await engine.close();
  });

  it('compares keys, and never tells them', async () => {
    const key = 'c0ffee00c0ffee00c0ffee00c0ffee00';
    const engine = createEngine({ types: [keyed] });
    const text = `version: 1\ndevices: { vault: { table: 0 8 keyed aes ${key} 5 } }\n`;
    const stack = parseStack(text, { file: 's.yaml', environment: {} });
    await up(engine, stack);
    expect(await statesOf(engine, stack)).toEqual(['devices.vault present']);
    const other = parseStack(text.replace('c0ffee00', 'deadbeef'), { file: 's.yaml', environment: {} });
    const [differs] = await status(engine, other);
    expect(differs?.difference).toEqual({
      wanted: '0 8 keyed (3 arguments)',
      running: `0 8 keyed aes ${'0'.repeat(32)} 5`,
    });
    await down(engine, stack);
    await engine.close();
  });
});

/** A target with a secret. */
const keyed = defineTarget({
  name: 'keyed',
  version: [1, 0, 0],
  ops: opSet(BioOp.Read),
  params: [
    { name: 'cipher', kind: 'word', about: 'a cipher' },
    { name: 'key', kind: 'word', about: 'a key' },
    { name: 'number', kind: 'uint', about: 'a number' },
  ],
  create: (_context, { cipher, key, number }) => ({
    map: () => MapResult.Kill,
    areas: () => [],
    table: (showKeys) => `${cipher} ${showKeys ? key : '0'.repeat(key.length)} ${String(number)}`,
  }),
});
