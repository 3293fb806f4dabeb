import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chaosDriver } from '@interposer/conformance';
import { createEngine, type Engine, Status } from '@interposer/core';
import { pluginNameTarget } from '../src/index.ts';

const chaos = chaosDriver();

/** Only what is peculiar to this target is tested here: the conformance kit does the rest. */
describe('the target plugin-name', () => {
  it('stores bytes veiled, and leaves those of the submitter alone', async () => {
    // A disk of the kit: it can be held, failed and looked into.
    const disk = chaos.add('a', { sectors: 64 });
    const data = new Uint8Array(512).fill(0x0f);
    await withTarget('0 32 plugin-name chaos:a 16 255', async (engine) => {
      await engine.write('subject', 2, data);
      assert.deepEqual(data, new Uint8Array(512).fill(0x0f));
      assert.deepEqual(disk.data.subarray(18 * 512, 19 * 512), new Uint8Array(512).fill(0xf0));
      assert.deepEqual(await engine.read('subject', 2, 1), data);
    });
  });

  it('counts what went well, until it is told to begin again', async () => {
    const disk = chaos.add('b', { sectors: 64 });
    await withTarget('0 64 plugin-name chaos:b 0 1', async (engine) => {
      await engine.read('subject', 0, 8);
      await engine.write('subject', 0, new Uint8Array(512));
      disk.fail(Status.Io, { times: 1 });
      await assert.rejects(engine.read('subject', 0, 8), { code: 'EIO' });
      assert.equal((await engine.status('subject'))[0]?.params, '1 1');
      await engine.message('subject', 0, ['reset']);
      assert.equal((await engine.status('subject'))[0]?.params, '0 0');
    });
  });

  it('refuses keys that are no bytes, and zeroes that would not be veiled', async () => {
    chaos.add('c', { sectors: 64 });
    await withTarget('0 64 plugin-name chaos:c 0 255', async (engine) => {
      await assert.rejects(engine.zero('subject', 0, 8), { code: 'ENOTSUP' });
      await assert.rejects(engine.load('subject', '0 64 plugin-name chaos:c 0 256'), { code: 'EINVAL' });
    });
  });
});

async function withTarget(table: string, use: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = createEngine({ types: [chaos, pluginNameTarget] });
  await engine.create('subject', { table });
  await use(engine);
  await engine.close();
}
