import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { describe, expect, it } from 'vitest';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import {
  formatLuks,
  memoryStorage,
  openImageFile,
  portStorage,
  readLuks,
  sectorStorage,
} from '../src/index.ts';
import { CHEAP, FIRST } from './support/volumes.ts';

describe('a storage of sectors', () => {
  it.each([512, 4096])('reads and writes bytes of any place, in blocks of %i', async (logicalBlock) => {
    const disk = Buffer.alloc(64 * 1024);
    for (let at = 0; at < disk.length; at++) disk[at] = at % 251;
    const expected = Buffer.from(disk);
    const storage = sectorStorage({
      sectors: disk.length / 512,
      logicalBlock,
      read: async (sector, count) => {
        expect([(sector * 512) % logicalBlock, (count * 512) % logicalBlock]).toEqual([0, 0]);
        return new Uint8Array(disk.subarray(sector * 512, (sector + count) * 512));
      },
      write: async (sector, data) => {
        expect([(sector * 512) % logicalBlock, data.length % logicalBlock]).toEqual([0, 0]);
        disk.set(data, sector * 512);
      },
      flush: async () => undefined,
    });
    for (const [offset, length] of [
      [0, 592],
      [512, 80],
      [4095, 2],
      [8192, 4096],
      [65_535, 1],
      [0, 65_536],
    ] as const) {
      expect(await storage.read(offset, length)).toEqual(expected.subarray(offset, offset + length));
      const data = Buffer.alloc(length, length % 256);
      data.copy(expected, offset);
      await storage.write(offset, data);
      expect(disk.equals(expected)).toBe(true);
    }
    await expect(storage.read(65_535, 2)).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(storage.write(65_536, Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('can be a device of an engine', async () => {
    const engine = createEngine({ types: [ram] });
    later(() => engine.close());
    const port = await engine.open('ram:4M', { mode: 'write', claim: 'exclusive' });
    later(() => {
      port.close();
    });
    const storage = portStorage(port);
    await formatLuks(storage, { passphrase: FIRST, kdf: CHEAP, hash: 'sha1', version: 1 });
    expect((await (await readLuks(storage)).unlock({ passphrase: FIRST })).slot).toBe(0);
  });

  it('in memory has no more bytes than it has', async () => {
    const storage = memoryStorage(Buffer.alloc(8));
    await storage.write(4, Buffer.from('abcd'));
    expect(await storage.read(2, 6)).toEqual(Buffer.from('\0\0abcd'));
    await expect(storage.read(4, 5)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

describe('an image file', () => {
  it('is made for its owner only, and not cut off if it is there', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'new.img');
    const made = await openImageFile(path, 'write', { create: 8192 });
    await made.write(8190, Buffer.from('xy'));
    await made.flush();
    await made.close();
    expect([statSync(path).size, statSync(path).mode & 0o777]).toEqual([8192, 0o600]);
    const again = await openImageFile(path, 'write', { create: 4096 });
    expect([again.bytes, String(await again.read(8190, 2))]).toEqual([8192, 'xy']);
    await expect(again.write(8191, Buffer.alloc(2))).rejects.toMatchObject({ code: 'ENOSPC' });
    await again.close();
    expect(readFileSync(path).length).toBe(8192);
  });

  it('has to be a file, and there', async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'directory'));
    await expect(openImageFile(join(folder, 'nosuch'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(openImageFile(join(folder, 'nosuch'), 'write')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(openImageFile(join(folder, 'directory'), 'read')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(openImageFile('/dev/null', 'read')).rejects.toThrow('/dev/null is no regular file');
    writeFileSync(join(folder, 'empty'), '');
    const empty = await openImageFile(join(folder, 'empty'), 'read');
    await expect(readLuks(empty)).rejects.toThrow('no LUKS header: the device has 0 bytes');
    await expect(empty.write(0, Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' });
    await empty.close();
  });
});
