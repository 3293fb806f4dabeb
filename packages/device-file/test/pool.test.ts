import { fdatasync, read, write } from 'node:fs';
import { BioFlag } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import type { SystemCalls, Transferred } from '../src/syscalls.ts';
import { holds, stamped, systemError, useWorkshop } from './tools.ts';

const shop = useWorkshop();
const MIB = 2 ** 20;

/** A sync that ends when the test says so. */
class ManualSync {
  readonly pending: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  readonly fdatasync: SystemCalls['fdatasync'] = (_fd, done) => {
    this.pending.push(done);
  };

  end(error: NodeJS.ErrnoException | null = null): void {
    this.pending.shift()!(error);
  }
}

/** Whether a promise is settled after everything that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise(setImmediate);
  return settled;
}

describe('transfers', () => {
  it('goes on after a short read and a short write', async () => {
    const lengths: number[] = [];
    const shorter = (call: typeof read | typeof write): SystemCalls['read'] => {
      return (fd, buffer, offset, length, position, done) => {
        lengths.push(length);
        (call as SystemCalls['read'])(fd, buffer, offset, Math.min(length, 1000), position, done);
      };
    };
    const disk = await shop().openFaked(MIB, { read: shorter(read), write: shorter(write) });
    await disk.write(5, stamped(5, 4));
    expect(lengths).toEqual([2048, 1048, 48]);
    expect(await holds(disk, 5, stamped(5, 4))).toBe(true);
    expect(lengths).toEqual([2048, 1048, 48, 2048, 1048, 48]);
  });

  it.each([
    ['EIO', 5, 'EIO'],
    ['ENOSPC', 28, 'ENOSPC'],
    ['EDQUOT', 122, 'ENOSPC'],
    ['EFBIG', 27, 'ENOSPC'],
    ['ENOMEM', 12, 'ENOMEM'],
    ['ENODEV', 19, 'ENODEV'],
    ['ENODATA', 61, 'ENODATA'],
    ['EILSEQ', 84, 'EILSEQ'],
    ['EBADF', 9, 'EIO'],
  ])('answers %s of the operating system', async (name, errno, code) => {
    const failing: SystemCalls['read'] = (_fd, _buffer, _offset, _length, _position, done: Transferred) => {
      done(systemError(name, errno), 0);
    };
    const disk = await shop().openFaked(MIB, { read: failing, write: failing });
    await expect(disk.read(0, 1)).rejects.toMatchObject({ code });
    await expect(disk.write(0, stamped(0, 1))).rejects.toMatchObject({ code });
    await expect(disk.writeZeroes(0, 1)).rejects.toMatchObject({ code });
  });
});

describe('flushes', () => {
  it('writes first and syncs second for forced unit access', async () => {
    const order: string[] = [];
    const disk = await shop().openFaked(MIB, {
      write: (fd, buffer, offset, length, position, done) => {
        write(fd, buffer, offset, length, position, (error, bytes) => {
          order.push('written');
          done(error, bytes);
        });
      },
      fdatasync: (fd, done) => {
        order.push('sync');
        fdatasync(fd, done);
      },
    });
    await disk.write(0, stamped(0, 1));
    expect(order).toEqual(['written']);
    await disk.write(1, stamped(1, 1), BioFlag.Fua);
    expect(order).toEqual(['written', 'written', 'sync']);
  });

  it('shares one sync among those who wait, but never one that began before', async () => {
    const sync = new ManualSync();
    const disk = await shop().openFaked(MIB, sync);
    const first = disk.flush();
    const second = disk.flush();
    const third = disk.flush();
    expect(sync.pending).toHaveLength(1);
    sync.end();
    await first;
    expect(await isSettled(second)).toBe(false);
    expect(sync.pending).toHaveLength(1);
    sync.end();
    await Promise.all([second, third]);
    expect(sync.pending).toHaveLength(0);
  });

  it('never calls anything stable again after a sync that failed', async () => {
    const sync = new ManualSync();
    const disk = await shop().openFaked(MIB, sync);
    const failing = disk.flush();
    const waiting = disk.flush();
    sync.end(systemError('ENOSPC', 28));
    await expect(failing).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(waiting).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.flush()).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.write(0, stamped(0, 1), BioFlag.Fua)).rejects.toMatchObject({ code: 'EIO' });
    await disk.write(0, stamped(0, 1));
    expect(sync.pending).toHaveLength(0);
    expect(shop().log).toEqual([expect.stringContaining('until the device is opened anew')]);
  });

  it('starts afresh when the file is opened anew', async () => {
    const fdatasyncs = [systemError('EIO', 5), null];
    const calls: Partial<SystemCalls> = { fdatasync: (_fd, done) => done(fdatasyncs.shift()!) };
    const disk = await shop().openFaked(MIB, calls);
    await expect(disk.flush()).rejects.toMatchObject({ code: 'EIO' });
    disk.close();
    const again = await shop().openFaked(MIB, calls);
    await again.flush();
  });
});
