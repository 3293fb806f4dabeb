import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import {
  down,
  type ExportControl,
  readStackFile,
  readTransactionFile,
  type Stack,
  type StackControl,
  status,
  up,
} from '../src/index.ts';
import { engineIn, makeImage, temporaryFolder } from './support/engine.ts';
import { serving } from './support/nbd-exports.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));
const files = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));

/** What the examples are tried with. */
interface Bench {
  readonly stack: Stack;
  readonly engine: Engine;
  readonly control: StackControl & ExportControl;
}

const CHECKS: Record<string, (bench: Bench) => Promise<void>> = {
  'bad-disk.yaml': async ({ engine }) => {
    expect(await engine.read('bad_disk', 0, 2048)).toHaveLength(2048 * 512);
    await expect(engine.read('bad_disk', 2048, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(await engine.read('bad_disk', 131071, 1)).toHaveLength(512);
  },
  'striped-set.yaml': async ({ engine }) => {
    await engine.write('home', 0, new Uint8Array(512).fill(7));
    expect((await engine.read('set', 0, 1))[0]).toBe(7);
    await expect(engine.write('backup', 0, new Uint8Array(512))).rejects.toThrow();
  },
  'huge-disk.yaml': async ({ engine }) => {
    expect((await engine.info('huge')).sectors * 512).toBe(16 * 2 ** 40);
    expect(await engine.read('huge', 2 ** 35 - 1, 1)).toEqual(new Uint8Array(512));
  },
  'slow-disk.yaml': async ({ engine, stack }) => {
    expect((await engine.filters('disk.img')).map(({ type }) => type)).toEqual(['stats', 'throttle']);
    const { edits } = await readTransactionFile(join(stack.directory, 'faster.transaction.yaml'));
    await engine.transaction(edits);
    expect((await engine.filters('disk.img')).map(({ type, args }) => `${type} ${args}`)).toEqual([
      expect.stringMatching(/^throttle .*\biops=500\b/),
    ]);
  },
  'live-remap.yaml': async ({ engine }) => {
    const client = await engine.open('disk.img', { holder: 'export' });
    await expect(client.read(4096, 1)).rejects.toThrow();
    expect(await client.read(4097, 8)).toHaveLength(8 * 512);
    await engine.finishRemap('cover');
    expect(await client.read(4096, 1)).toHaveLength(512);
    client.close();
  },
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the examples', () => {
  it('are all tried, and all listed', () => {
    expect(Object.keys(CHECKS).sort()).toEqual(
      files.filter((name) => !name.includes('.transaction.')).sort(),
    );
    const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
    for (const name of files) expect(readme).toContain(`[${name}](${name})`);
  });

  it.each(Object.entries(CHECKS))('%s goes up, works, and comes down', async (name, check) => {
    const folder = temporaryFolder();
    cpSync(EXAMPLES, folder, { recursive: true });
    makeImage(join(folder, 'disk.img'), 64);
    makeImage(join(folder, 'left.img'), 32);
    makeImage(join(folder, 'right.img'), 32);
    const stack = await readStackFile(join(folder, name), {
      environment: { NBD_PORT: String(await freePort()) },
    });
    const engine = engineIn(folder);
    const control = serving(engine);
    await up(control, stack);
    expect(new Set((await status(control, stack)).map(({ state }) => state))).toEqual(new Set(['present']));
    await check({ stack, engine, control });
    await down(control, stack);
    expect(await engine.listDevices()).toEqual([]);
    await control.close();
    await engine.close();
  });
});
