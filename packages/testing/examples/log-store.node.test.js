// The log store on bad disks, under node:test: node --test
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crashTest, createDisk } from '@interposer/testing';
import { LogStore } from './log-store.js';

/** A store that is closed with the test, whatever becomes of it: plain Node has no `await using` before version 24. */
async function openStore(t, options) {
  const disk = await createDisk({ size: '1M', seed: 1, ...options });
  t.after(() => disk.close());
  await LogStore.format(disk);
  return { disk, store: await LogStore.open(disk) };
}

test('put flushes the record before the header that counts it', async (t) => {
  const { disk, store } = await openStore(t);
  const before = disk.requests().length;
  await store.put('a', 1);
  const requests = disk.requests().slice(before);
  assert.deepEqual(
    requests.map(({ op, offset }) => `${op} ${offset}`),
    ['write 512', 'flush 0', 'write 0', 'flush 0'],
  );
});

test('put fails when the disk does, and the store stays as it was', async (t) => {
  const { disk, store } = await openStore(t);
  await store.put('a', 1);
  disk.failNext({ op: 'flush' });
  await assert.rejects(store.put('a', 2), { code: 'EIO' });
  assert.equal(store.get('a'), 1);
  assert.equal((await LogStore.open(disk)).get('a'), 1);
});

test('put is not done before the disk is', async (t) => {
  const { disk, store } = await openStore(t);
  const stall = disk.stall({ op: 'flush' });
  const put = store.put('a', 1);
  await stall.waiting();
  assert.equal(store.get('a'), undefined);
  stall.release();
  await put;
  assert.equal(store.get('a'), 1);
});

test('what was put survives a power cut', async (t) => {
  const { disk, store } = await openStore(t);
  await store.put('a', 1);
  await disk.powerCut({ keep: 0 });
  assert.equal((await LogStore.open(disk)).get('a'), 1);
});

describe('every power cut that there could be', () => {
  const search = (barrier) =>
    crashTest({
      size: '1M',
      prepare: (disk) => LogStore.format(disk),
      async run(disk, promise) {
        const store = await LogStore.open(disk, { barrier });
        for (const value of [1, 2, 3]) {
          await store.put('a', value);
          await promise(`a is ${value}`);
        }
      },
      async check(disk, { promises }) {
        const store = await LogStore.open(disk);
        const promised = Number(promises.at(-1)?.split(' ').at(-1) ?? 0);
        assert.ok((store.get('a') ?? 0) >= promised, `a is ${store.get('a')}, and ${promised} was promised`);
      },
    });

  test('leaves a store with what was promised', async () => {
    (await search(true)).assertNone();
  });

  test('finds the store that has no barrier', async () => {
    const { failures } = await search(false);
    assert.match(failures[0].message, /record \d is damaged/);
  });
});
