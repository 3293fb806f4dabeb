// The log store on bad disks, under jest: node --experimental-vm-modules node_modules/.bin/jest
/* global afterEach, beforeEach, expect, test */
import { createDisk } from '@interposer/testing';
import { LogStore } from './log-store.js';

let disk;
beforeEach(async () => {
  disk = await createDisk({ size: '1M', seed: 1 });
  await LogStore.format(disk);
});
afterEach(() => disk.close());

test('what was put survives a power cut', async () => {
  const store = await LogStore.open(disk);
  await store.put('a', 1);
  await disk.powerCut({ keep: 0 });
  expect((await LogStore.open(disk)).get('a')).toBe(1);
});

test('put fails when the disk does, and the store stays as it was', async () => {
  const store = await LogStore.open(disk);
  await store.put('a', 1);
  disk.failNext({ op: 'flush' });
  await expect(store.put('a', 2)).rejects.toMatchObject({ code: 'EIO' });
  expect((await LogStore.open(disk)).get('a')).toBe(1);
});
