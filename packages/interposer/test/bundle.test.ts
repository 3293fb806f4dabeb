import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allTypes, bundledPlugins, createInterposer } from '../src/index.ts';

describe('the bundle', () => {
  it('has every target, filter and driver package of the workspace', () => {
    const folders = readdirSync(new URL('../..', import.meta.url)).filter((name) =>
      /^(?:target|filter|device)-/.test(name),
    );
    expect(bundledPlugins.map((plugin) => plugin.package)).toEqual(
      folders.map((name) => `@interposer/${name}`),
    );
    for (const plugin of bundledPlugins) {
      expect(plugin.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(plugin.types.length).toBeGreaterThan(0);
    }
  });

  it('makes engines that know all of them, and further ones', async () => {
    const engine = createInterposer();
    // And core's own filter, remap.
    expect(await engine.types()).toHaveLength(allTypes.length + 1);
    await engine.create('disk', { table: '0 64 linear ram:1M 0\n64 8 error\n72 8 zero' });
    await engine.write('disk', 8, new Uint8Array(512).fill(7));
    expect((await engine.read('disk', 8, 1))[0]).toBe(7);
    await engine.close();
    const first = allTypes[0]!;
    expect(() => createInterposer({ types: [{ ...first }] })).toThrow(
      expect.objectContaining({ code: 'EEXIST' }) as Error,
    );
  });
});
