import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { createDisk } from '../src/index.ts';
import { run } from './program.ts';

const canFuse = existsSync('/dev/fuse') && peer('nbdfuse', 'fusermount3');

describe('clients at the URI of a disk', () => {
  it.skipIf(!peer('qemu-io'))('qemu-io writes, flushes and reads', async () => {
    await using disk = await createDisk({ size: '1M' });
    const commands = ['write -P 0x61 4096 8192', 'flush', 'read -P 0x61 8192 4096'].flatMap((text) => [
      '-c',
      text,
    ]);
    const { code, stdout } = await run('qemu-io', ['-f', 'raw', ...commands, disk.uri]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(await disk.read(4096, 512)).toEqual(Buffer.alloc(512, 'a'));
    const ops = disk.requests().map(({ op }) => op);
    expect(ops.indexOf('flush')).toBeGreaterThan(ops.indexOf('write'));
  });

  it.skipIf(!peer('nbdcopy'))('nbdcopy copies it, as it is', async () => {
    await using disk = await createDisk({ size: '64M' });
    await using copy = await createDisk({ size: '64M' });
    await disk.write(2 ** 25, Buffer.alloc(2 ** 16, 'x'));
    const { code, stderr } = await run('nbdcopy', [disk.uri, copy.uri]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await copy.read(2 ** 25, 2 ** 16)).equals(Buffer.alloc(2 ** 16, 'x'))).toBe(true);
  });
});

describe('faults, as clients see them', () => {
  it.skipIf(!peer('qemu-io'))('an error is one for qemu-io', async () => {
    await using disk = await createDisk({ size: '1M' });
    const fault = disk.failNext({ op: 'write', offset: 4096, length: 512 });
    const commands = ['write 0 4096', 'write 4096 4096', 'flush'].flatMap((text) => ['-c', text]);
    const { stdout, stderr } = await run('qemu-io', ['-f', 'raw', '-t', 'none', ...commands, disk.uri]);
    expect(stdout + stderr).toMatch(/write failed: Input\/output error/);
    expect(stdout).toMatch(/wrote 4096\/4096 bytes at offset 0/);
    expect(fault.fired).toBe(1);
    expect(disk.requests().some(({ op, result }) => op === 'write' && result === 'EIO')).toBe(true);
  });

  it.skipIf(!peer('qemu-io'))('so is one of a certain code', async () => {
    await using disk = await createDisk({ size: '1M' });
    disk.failNext({ op: 'write', code: 'ENOSPC' });
    const { stdout, stderr } = await run('qemu-io', ['-f', 'raw', '-c', 'write 0 4096', disk.uri]);
    expect(stdout + stderr).toMatch(/No space left on device/);
  });

  it.skipIf(!peer('fio'))('fio stops at an error', async () => {
    await using disk = await createDisk({ size: '1M' });
    disk.failNext({ op: 'write', nth: 50 });
    const job = ['--name=job', '--ioengine=nbd', `--uri=${disk.uri}`, '--rw=write', '--bs=4k', '--size=1m'];
    const { code, stdout, stderr } = await run('fio', job);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/Input\/output error|error=5|err= ?5/i);
  });

  it.skipIf(!peer('qemu-io'))('a stalled client waits, and goes on', async () => {
    await using disk = await createDisk({ size: '1M' });
    const stall = disk.stall({ op: 'write' });
    let ended = false;
    const client = run('qemu-io', ['-f', 'raw', '-c', 'write -P 0x62 0 4096', disk.uri]).finally(
      () => (ended = true),
    );
    await stall.waiting();
    expect([ended, stall.held]).toEqual([false, 1]);
    stall.release();
    expect(await client).toMatchObject({ code: 0 });
    expect((await disk.read(0, 512))[0]).toBe(0x62);
  });

  it.skipIf(!peer('qemu-io'))(
    'a client is connected across a power cut, which takes what it did not flush',
    async () => {
      await using disk = await createDisk({ size: '1M' });
      const flush = disk.stall({ op: 'flush', nth: 2 });
      const commands = ['write -P 1 0 4096', 'flush', 'write -P 2 0 4096', 'flush', 'read -P 1 0 4096'];
      const args = ['-f', 'raw', '-t', 'none', ...commands.flatMap((text) => ['-c', text]), disk.uri];
      const client = run('qemu-io', args);
      await flush.waiting();
      await disk.powerCut({ keep: 0 });
      const { stdout } = await client;
      expect(stdout).toMatch(/read 4096\/4096 bytes at offset 0/);
      expect(stdout).not.toMatch(/Pattern verification failed/);
    },
  );

  it.skipIf(!peer('nbdcopy'))('a client that is there does not keep a disk from being closed', async () => {
    const disk = await createDisk({ size: '1M' });
    await disk.write(0, Buffer.alloc(512, 1));
    const stall = disk.stall();
    const client = run('nbdcopy', [disk.uri, 'null:']);
    await stall.waiting();
    await disk.close();
    expect((await client).code).not.toBe(0);
  });
});

describe.skipIf(!canFuse)('the path of a disk', () => {
  it('is a file for this process, if asynchronously', async () => {
    await using disk = await createDisk({ size: '1M', path: true });
    const file = await open(disk.path!, 'r+');
    try {
      expect((await file.stat()).size).toBe(2 ** 20);
      await file.write(Buffer.alloc(1024, 'p'), 0, 1024, 2048);
      expect(disk.requests().at(-1)).toMatchObject({ op: 'write', offset: 2048, length: 1024 });
      await file.sync();
      expect(disk.requests().at(-1)).toMatchObject({ op: 'flush', result: 'ok' });
    } finally {
      await file.close();
    }
    expect((await disk.read(2048, 1024)).equals(Buffer.alloc(1024, 'p'))).toBe(true);
  });

  it('fails as the disk does: a read, and an fsync', async () => {
    await using disk = await createDisk({ size: '1M', path: true });
    const file = await open(disk.path!, 'r+');
    try {
      // The kernel asks again for what it wanted to read ahead.
      disk.failNext({ op: 'read', offset: 65_536, length: 4096, times: 2 });
      await expect(file.read(Buffer.alloc(512), 0, 512, 65_536)).rejects.toMatchObject({ code: 'EIO' });
      await file.write(Buffer.alloc(512, 1), 0, 512, 0);
      disk.failNext({ op: 'flush' });
      await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
      await file.sync();
    } finally {
      await file.close();
    }
  });

  it('shows to who opens it what has become of the disk', async () => {
    await using disk = await createDisk({ size: '1M', path: true });
    const first = async (file: FileHandle): Promise<number> =>
      (await file.read(Buffer.alloc(512), 0, 512, 0)).buffer[0]!;
    const file = await open(disk.path!, 'r+');
    try {
      await file.write(Buffer.alloc(512, 1), 0, 512, 0);
      expect(await first(file)).toBe(1);
      await disk.powerCut({ keep: 0 });
      const opened = await open(disk.path!, 'r');
      try {
        expect(await first(opened)).toBe(0);
      } finally {
        await opened.close();
      }
    } finally {
      await file.close();
    }
  });

  it.skipIf(!peer('dd'))('is one for other programs', async () => {
    await using disk = await createDisk({ size: '1M', path: 'auto' });
    const { code } = await run('dd', [
      'if=/dev/urandom',
      `of=${disk.path!}`,
      'bs=4096',
      'count=16',
      'conv=notrunc,fsync',
    ]);
    expect(code).toBe(0);
    expect(disk.requests().at(-1)).toMatchObject({ op: 'flush' });
  });
});

describe('a disk that can have no path', () => {
  const PATH = process.env.PATH;
  it('says why, or does without', async () => {
    process.env.PATH = '/nowhere';
    try {
      const made = createDisk({ size: '1M', path: true });
      await expect(made).rejects.toThrow(/^the disk can have no path: .*\. Its uri works without$/);
      await using disk = await createDisk({ size: '1M', path: 'auto' });
      expect(disk.path).toBe(undefined);
      await disk.write(0, Buffer.alloc(512));
    } finally {
      process.env.PATH = PATH;
    }
  });
});
