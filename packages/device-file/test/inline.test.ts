import { read } from 'node:fs';
import { constants } from 'node:os';
import type { Port } from '@interposer/core';
import { describe, expect, it, vi } from 'vitest';
import { AddressBook } from '../src/address-book.ts';
import { type Ffi, loadFfi } from '../src/ffi.ts';
import type { SystemCalls } from '../src/syscalls.ts';
import { TurnQueue } from '../src/turn-queue.ts';
import { holds, stamped, useWorkshop } from './tools.ts';

const shop = useWorkshop();
const { EAGAIN, EFAULT, EIO, EOPNOTSUPP } = constants.errno;

/** An image whose inline reads are answered by `readNow`, and the offsets and lengths the pool was asked for. */
async function open(readNow: Ffi['readNow']): Promise<{ disk: Port; pool: number[][] }> {
  const ffi = (await loadFfi())!;
  const pool: number[][] = [];
  const counted: SystemCalls['read'] = (fd, buffer, offset, length, position, done) => {
    pool.push([offset, length, position]);
    read(fd, buffer, offset, length, position, done);
  };
  const faked: Ffi = {
    readNow,
    fallocate: (...args) => ffi.fallocate(...args),
    seek: (...args) => ffi.seek(...args),
    lock: (...args) => ffi.lock(...args),
    takeBatch: () => ffi.takeBatch(),
    giveBack: (batch) => ffi.giveBack(batch),
  };
  return { disk: await shop().openFaked(2 ** 20, { read: counted, ffi: faked }), pool };
}

describe('an inline read', () => {
  it('answers what the page cache has without the pool', async () => {
    const ffi = (await loadFfi())!;
    const { disk, pool } = await open((...args) => ffi.readNow(...args));
    await disk.write(3, stamped(3, 8));
    expect(await holds(disk, 3, stamped(3, 8))).toBe(true);
    expect(pool).toEqual([]);
  });

  it('leaves to the pool what is not there', async () => {
    const { disk, pool } = await open(() => -EAGAIN);
    await disk.write(3, stamped(3, 8));
    expect(await holds(disk, 3, stamped(3, 8))).toBe(true);
    expect(pool).toEqual([[0, 4096, 1536]]);
  });

  it('leaves to the pool the rest of what is there in part', async () => {
    const ffi = (await loadFfi())!;
    const { disk, pool } = await open((fd, buffer, offset, _length, position) =>
      ffi.readNow(fd, buffer, offset, 1024, position),
    );
    await disk.write(3, stamped(3, 8));
    expect(await holds(disk, 3, stamped(3, 8))).toBe(true);
    expect(pool).toEqual([[1024, 3072, 2560]]);
  });

  it('is not tried again on a file system that cannot', async () => {
    const readNow = vi.fn(() => -EOPNOTSUPP);
    const { disk, pool } = await open(readNow);
    await disk.read(0, 1);
    await disk.read(1, 1);
    expect(readNow).toHaveBeenCalledTimes(1);
    expect(pool).toHaveLength(2);
  });

  it('leaves errors to the pool, which reports them', async () => {
    const { disk, pool } = await open(() => -EIO);
    await disk.write(0, stamped(0, 1));
    expect(await holds(disk, 0, stamped(0, 1))).toBe(true);
    expect(pool).toEqual([[0, 512, 0]]);
  });

  it('leaves large requests to the pool', async () => {
    const readNow = vi.fn(() => -EIO);
    const { disk, pool } = await open(readNow);
    await disk.read(0, 1024);
    expect(readNow).not.toHaveBeenCalled();
    expect(pool).toEqual([[0, 524288, 0]]);
  });

  it('writes into no buffer that is too short or gone', async () => {
    const ffi = (await loadFfi())!;
    const buffer = new Uint8Array(1024);
    expect(ffi.readNow(0, buffer, 512, 1024, 0)).toBe(-EFAULT);
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    expect(ffi.readNow(0, buffer, 0, 512, 0)).toBe(-EFAULT);
  });
});

describe('the address book', () => {
  it('asks once for each memory', () => {
    const asked = vi.fn((memory: Uint8Array) => memory.length);
    const book = new AddressBook(asked);
    const [one, other] = [new ArrayBuffer(100), new ArrayBuffer(200)];
    expect([one, one, other, one, other].map((memory) => book.of(memory))).toEqual([100, 100, 200, 100, 200]);
    expect(asked).toHaveBeenCalledTimes(2);
  });
});

describe('the turn queue', () => {
  it('runs only so many at a time, the others in order', () => {
    const queue = new TurnQueue(2);
    const leaves: (() => void)[] = [];
    const started: number[] = [];
    for (let i = 0; i < 5; i++) {
      queue.take((leave) => {
        started.push(i);
        leaves.push(leave);
      });
    }
    expect(started).toEqual([0, 1]);
    leaves[1]!();
    expect(started).toEqual([0, 1, 2]);
    for (let i = 0; i < 5; i++) if (i !== 1) leaves[i]?.();
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('file system calls through koffi', () => {
  it('tell errors by their number', async () => {
    const ffi = (await loadFfi())!;
    const fallocated = await new Promise((resolve) => ffi.fallocate(-1, 3, 0, 4096, resolve));
    const sought = await new Promise((resolve) => ffi.seek(-1, 0, 3, resolve));
    const locked = await ffi.lock(-1, 37, { type: 0, start: 0, length: 1 });
    expect([fallocated, sought, locked]).toEqual([-9, -9, -9]);
  });

  it('go on, more than koffi takes at a time', async () => {
    const ffi = (await loadFfi())!;
    const calls = Array.from({ length: 1000 }, () => new Promise((resolve) => ffi.seek(-1, 0, 3, resolve)));
    expect(new Set(await Promise.all(calls))).toEqual(new Set([-9]));
  });

  it('are not there when they are not wanted', async () => {
    vi.stubEnv('INTERPOSER_NO_FFI', '1');
    expect(await loadFfi()).toBeUndefined();
  });
});
