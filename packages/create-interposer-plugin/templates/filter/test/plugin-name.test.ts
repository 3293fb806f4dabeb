import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chaosDriver, VirtualClock } from '@interposer/conformance';
import { createEngine, type Engine, Status } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { pluginNameFilter } from '../src/index.ts';

const SECTOR = new Uint8Array(512).fill(1);

/** Only what is peculiar to this filter is tested here: the conformance kit does the rest. */
describe('the filter plugin-name', () => {
  it('refuses writes beyond the limit, and lets everything else through', () =>
    withFilter('limit=1K', async (engine, device) => {
      await engine.write(device, 0, SECTOR);
      await engine.write(device, 1, SECTOR);
      await assert.rejects(engine.write(device, 2, SECTOR), { code: 'ENOSPC' });
      await assert.rejects(engine.zero(device, 0, 1), { code: 'ENOSPC' });
      await engine.discard(device, 8, 8);
      await engine.flush(device);
      assert.deepEqual(await engine.read(device, 1, 1), SECTOR);
      assert.equal(await statusOf(engine, device), 'written=1024 refused=2');
    }));

  it('takes another limit while the device is in use, and shows it', () =>
    withFilter('', async (engine, device) => {
      await engine.write(device, 0, SECTOR);
      await engine.messageFilter(device, 'plugin-name', ['limit', '512']);
      assert.equal((await engine.filters(device))[0]?.args, 'limit=512');
      await assert.rejects(engine.write(device, 0, SECTOR), { code: 'ENOSPC' });
      await engine.messageFilter(device, 'plugin-name', ['limit', 'none']);
      await engine.write(device, 0, SECTOR);
    }));

  it('refuses words it does not know', () =>
    withFilter('', async (engine, device) => {
      const words = ['limit', '-1'];
      await assert.rejects(engine.messageFilter(device, 'plugin-name', words), { code: 'EINVAL' });
      await assert.rejects(engine.attachFilter(device, 'plugin-name@1 limit=x'), { code: 'EINVAL' });
    }));

  it('does not count what failed below', async () => {
    // A disk of the kit: it can be held, failed and looked into. The clock stands still until it is moved.
    const chaos = chaosDriver();
    const engine = createEngine({ types: [chaos, pluginNameFilter], clock: new VirtualClock() });
    const disk = chaos.add('a', { sectors: 64 });
    const port = await engine.open('chaos:a');
    await engine.attachFilter('chaos:a', 'plugin-name');
    disk.fail(Status.Io, { times: 1 });
    await assert.rejects(port.write(0, SECTOR), { code: 'EIO' });
    assert.equal(await statusOf(engine, 'chaos:a'), 'written=0 refused=0');
    port.close();
    await engine.close();
  });
});

async function withFilter(
  args: string,
  use: (engine: Engine, device: string) => Promise<void>,
): Promise<void> {
  const engine = createEngine({ types: [ram, pluginNameFilter] });
  // A leaf device comes with its first port and goes with its last, and its filters with it: so one stays open.
  const port = await engine.open('ram:1M', { claim: 'shared' });
  const device = port.device.number;
  await engine.attachFilter(device, `plugin-name ${args}`.trimEnd());
  await use(engine, device);
  port.close();
  await engine.close();
}

async function statusOf(engine: Engine, device: string): Promise<string | undefined> {
  const [filter] = await engine.filters(device);
  return filter?.status;
}
