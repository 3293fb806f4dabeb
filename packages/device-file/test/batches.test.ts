import { closeSync, openSync, readFileSync, write, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Port, Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { type Ffi, loadFfi } from '../src/ffi.ts';
import type { SystemCalls } from '../src/syscalls.ts';
import { BATCH, type WriteBatch } from '../src/write-batch.ts';
import { holds, stamped, useWorkshop } from './tools.ts';

const shop = useWorkshop();
const MIB = 2 ** 20;
const PAGE = 8;
const { EIO, EFAULT } = constants.errno;

/** A batch that says what it is told to, without writing more than that. */
class FakedBatch implements WriteBatch {
  static readonly results: number[] = [];
  readonly #writes: [fd: number, bytes: Uint8Array, position: number][] = [];
  readonly #results: number[] = [];

  add(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const result = FakedBatch.results.shift() ?? length;
    this.#results.push(result);
    this.#writes.push([fd, buffer.subarray(offset, offset + Math.max(0, result)), position]);
  }

  run(done: () => void): void {
    let left = this.#writes.length;
    for (const [fd, bytes, position] of this.#writes)
      write(fd, bytes, 0, bytes.length, position, () => {
        if (--left === 0) done();
      });
  }

  result(index: number): number {
    return this.#results[index]!;
  }
}

/** An image, how many writes each of its batches had, and what the pool was asked to write. */
async function open(
  takeBatch?: Ffi['takeBatch'],
): Promise<{ disk: Port; batches: number[]; pool: number[][] }> {
  const ffi = (await loadFfi())!;
  const batches: number[] = [];
  const pool: number[][] = [];
  const counted: SystemCalls['write'] = (fd, buffer, offset, length, position, done) => {
    pool.push([length, position]);
    write(fd, buffer, offset, length, position, done);
  };
  const faked: Ffi = {
    readNow: (...args) => ffi.readNow(...args),
    fallocate: (...args) => ffi.fallocate(...args),
    seek: (...args) => ffi.seek(...args),
    lock: (...args) => ffi.lock(...args),
    takeBatch: takeBatch ?? (() => watched(ffi.takeBatch()!, batches)),
    giveBack: (batch) => {
      if (batch instanceof WatchedBatch) ffi.giveBack(batch.batch);
    },
  };
  return { disk: await shop().openFaked(4 * MIB, { write: counted, ffi: faked }), batches, pool };
}

class WatchedBatch implements WriteBatch {
  readonly batch: WriteBatch;
  readonly #sizes: number[];
  #count = 0;

  constructor(batch: WriteBatch, sizes: number[]) {
    this.batch = batch;
    this.#sizes = sizes;
  }

  add(...args: Parameters<WriteBatch['add']>): void {
    this.#count++;
    this.batch.add(...args);
  }

  run(done: () => void): void {
    this.#sizes.push(this.#count);
    this.batch.run(done);
  }

  result(index: number): number {
    return this.batch.result(index);
  }
}

function watched(batch: WriteBatch, sizes: number[]): WriteBatch {
  return new WatchedBatch(batch, sizes);
}

describe('writes of a burst', () => {
  it('are made together, all but one alone', async () => {
    const { disk, batches, pool } = await open();
    await Promise.all(Array.from({ length: 10 }, (_, i) => disk.write(i * 16, stamped(i * 16, PAGE))));
    await disk.write(0, stamped(0, PAGE, 1));
    expect([batches, pool]).toEqual([[10], [[4096, 0]]]);
    expect(await holds(disk, 0, stamped(0, PAGE, 1))).toBe(true);
    for (let i = 1; i < 10; i++) expect(await holds(disk, i * 16, stamped(i * 16, PAGE))).toBe(true);
  });

  const sizes = [1, 7, 9, 136, PAGE, 2 * PAGE, 128];

  it('go to the pool where there is no batch', async () => {
    const { disk, pool } = await open(() => undefined);
    await Promise.all(sizes.map((size, i) => disk.write(i * 256, stamped(i, size))));
    expect(pool.map(([length]) => length! / 512)).toEqual(sizes);
    for (const [i, size] of sizes.entries()) expect(await holds(disk, i * 256, stamped(i, size))).toBe(true);
  });

  it('go to the pool where they are large or no whole pages', async () => {
    const { disk, batches, pool } = await open();
    await Promise.all(sizes.map((size, i) => disk.write(i * 256 + 4, stamped(i, size))));
    expect([batches, pool.length]).toEqual([[], sizes.length]);
    await Promise.all(sizes.map((size, i) => disk.write(i * 256, stamped(i, size))));
    expect(batches).toEqual([3]);
    for (const [i, size] of sizes.entries()) expect(await holds(disk, i * 256, stamped(i, size))).toBe(true);
  });

  it('do not wait where a batch is full', async () => {
    const { disk, batches, pool } = await open();
    const image = stamped(0, (BATCH + 10) * PAGE);
    await Promise.all(
      Array.from({ length: BATCH + 10 }, (_, i) =>
        disk.write(i * PAGE, image.subarray(i * 4096, (i + 1) * 4096)),
      ),
    );
    expect([batches, pool.length]).toEqual([[BATCH], 10]);
    expect(await holds(disk, 0, image)).toBe(true);
  });

  it('are right whatever comes when', async () => {
    const { disk, batches } = await open();
    const random = new Random(7);
    const pages = (4 * MIB) / 4096;
    const rounds = new Array<number>(pages).fill(-1);
    const worker = async (first: number): Promise<void> => {
      for (let turn = 0; turn < 100; turn++) {
        const page = first + 32 * random.below(pages / 32);
        rounds[page] = turn;
        await disk.write(page * PAGE, stamped(page * PAGE, PAGE, turn));
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, first) => worker(first)));
    expect(Math.max(...batches)).toBeGreaterThan(1);
    for (const [page, turn] of rounds.entries()) {
      if (turn >= 0) expect(await holds(disk, page * PAGE, stamped(page * PAGE, PAGE, turn))).toBe(true);
    }
  });

  it('are left to the pool where a batch did not make them whole', async () => {
    FakedBatch.results.push(4096, 1000, 0, -EIO);
    const { disk, pool } = await open(() => new FakedBatch());
    await Promise.all([0, 8, 16, 24].map((sector) => disk.write(sector, stamped(sector, PAGE))));
    expect(pool).toEqual([
      [3096, 5096],
      [4096, 8192],
      [4096, 12288],
    ]);
    expect(await holds(disk, 0, stamped(0, 32))).toBe(true);
  });
});

describe('a batch of the kernel', () => {
  it('tells what each write has written', async () => {
    const ffi = (await loadFfi())!;
    const batch = ffi.takeBatch()!;
    const path = join(shop().directory, 'written');
    writeFileSync(path, '');
    const fd = openSync(path, 'r+');
    const gone = new Uint8Array(4);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    try {
      batch.add(fd, Buffer.from('xabcx'), 1, 3, 0);
      batch.add(fd, gone, 0, 4, 1);
      batch.add(fd, Buffer.from('def'), 0, 3, 3);
      batch.add(-1, Buffer.from('ghi'), 0, 3, 6);
      batch.add(fd, Buffer.from('jkl'), 0, 3, 9);
      await new Promise<void>((resolve) => batch.run(resolve));
      // None behind one that is refused is made.
      expect([0, 1, 2, 3, 4].map((index) => batch.result(index))).toEqual([3, -EFAULT, 3, 0, 0]);
      expect(readFileSync(path, 'latin1')).toBe('abcdef');
      batch.add(-1, Buffer.from('x'), 0, 1, 0);
      await new Promise<void>((resolve) => batch.run(resolve));
      expect(batch.result(0)).toBe(0);
    } finally {
      closeSync(fd);
      ffi.giveBack(batch);
    }
    expect(ffi.takeBatch()).toBe(batch);
  });
});
