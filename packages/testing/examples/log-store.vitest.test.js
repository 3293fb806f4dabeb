// The log store on bad disks, under vitest. In TypeScript `await using disk = await createDisk(...)` closes the disk; vitest leaves
// plain JavaScript as it is, and Node knows `await using` from version 24 on.
import { createDisk } from '@interposer/testing';
import { expect, onTestFinished, test } from 'vitest';
import { LogStore } from './log-store.js';

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a put that the power cut interrupts is done or not: seed %d',
  async (seed) => {
    const disk = await createDisk({ size: '1M', seed });
    onTestFinished(() => disk.close());
    await LogStore.format(disk);
    const store = await LogStore.open(disk);
    await store.put('a', 1);

    // The second flush of the put: both of its writes are in the cache of the disk, the header un-flushed.
    const stall = disk.stall({ op: 'flush', nth: 2 });
    const put = expect(store.put('a', 2)).rejects.toMatchObject({ code: 'EIO' });
    await stall.waiting();
    await disk.powerCut();
    await put;

    const value = (await LogStore.open(disk)).get('a');
    expect([1, 2]).toContain(value);
  },
);

test('a disk that is slow costs time, and nothing else', async () => {
  const disk = await createDisk({ size: '1M', seed: 1 });
  onTestFinished(() => disk.close());
  disk.slow({ p50: 0.5, p99: 2 });
  await LogStore.format(disk);
  const store = await LogStore.open(disk);
  for (const value of [1, 2, 3]) await store.put('a', value);
  expect((await LogStore.open(disk)).get('a')).toBe(3);
});
