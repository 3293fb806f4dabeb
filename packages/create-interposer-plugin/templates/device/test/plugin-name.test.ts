import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEngine } from '@interposer/core';
import { pluginNameDevice } from '../src/index.ts';

/** Only what is peculiar to this device is tested here: the conformance kit does the rest. */
describe('the device plugin-name', () => {
  it('holds the pattern until it is written, and again when it is discarded', async () => {
    const engine = createEngine({ types: [pluginNameDevice] });
    const port = await engine.open('plugin-name:1M,170');
    const pattern = new Uint8Array(512).fill(170);
    assert.equal(port.device.limits.sectors, 2048);
    assert.deepEqual(await port.read(2047, 1), pattern);
    await port.write(8, new Uint8Array(1024).fill(1));
    await port.discard(9, 1);
    assert.deepEqual(await port.read(8, 1), new Uint8Array(512).fill(1));
    assert.deepEqual(await port.read(9, 1), pattern);
    port.close();
    await engine.close();
  });

  for (const spec of ['', '0', '513', '1G,256', '2G', '-1M', '1M,', '1M,x', '1T']) {
    it(`refuses "${spec}"`, async () => {
      const engine = createEngine({ types: [pluginNameDevice] });
      await assert.rejects(engine.open(`plugin-name:${spec}`), { code: 'EINVAL' });
      await engine.close();
    });
  }
});
