import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDisk, type DiskOptions } from '../src/index.ts';

const SECTOR = 512;

describe('a disk', () => {
  it('keeps what is written, and is zeroes elsewhere', async () => {
    await using disk = await createDisk({ size: '1M' });
    expect(disk.size).toBe(2 ** 20);
    await disk.write(SECTOR, Buffer.alloc(2 * SECTOR, 'ab'));
    await disk.flush();
    expect(await disk.read(0, 4 * SECTOR)).toEqual(
      Buffer.concat([Buffer.alloc(SECTOR), Buffer.alloc(2 * SECTOR, 'ab'), Buffer.alloc(SECTOR)]),
    );
  });

  it('reads zeroes where it was discarded', async () => {
    await using disk = await createDisk({ size: 4096 });
    await disk.write(0, Buffer.alloc(4096, 1));
    await disk.discard(SECTOR, SECTOR);
    const bytes = await disk.read(0, 4096);
    expect([bytes[SECTOR - 1], bytes[SECTOR], bytes[2 * SECTOR]]).toEqual([1, 0, 1]);
  });

  it('gives ports, which are closed with it', async () => {
    const disk = await createDisk({ size: '1M' });
    const port = await disk.open();
    await port.write(3, Buffer.alloc(SECTOR, 5));
    expect((await disk.read(3 * SECTOR, SECTOR))[0]).toBe(5);
    await disk.close();
    expect(port.isOpen).toBe(false);
  });

  it('tells what clients asked for', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(0, Buffer.alloc(SECTOR));
    await disk.write(1024, Buffer.alloc(1024), { fua: true });
    await disk.flush();
    await disk.discard(4096, 4096);
    await disk.read(SECTOR, SECTOR);
    expect(disk.requests()).toEqual([
      { index: 0, op: 'write', offset: 0, length: 512, fua: false, result: 'ok' },
      { index: 1, op: 'write', offset: 1024, length: 1024, fua: true, result: 'ok' },
      { index: 2, op: 'flush', offset: 0, length: 0, fua: false, result: 'ok' },
      { index: 3, op: 'discard', offset: 4096, length: 4096, fua: false, result: 'ok' },
      { index: 4, op: 'read', offset: 512, length: 512, fua: false, result: 'ok' },
    ]);
  });

  it('keeps the latest 65,536 requests', async () => {
    await using disk = await createDisk({ size: '1M' });
    for (let i = 0; i < 65_540; i++) await disk.flush();
    const requests = disk.requests();
    expect(requests.length).toBe(65_536);
    expect([requests[0]?.index, requests.at(-1)?.index]).toEqual([4, 65_539]);
  });

  it('refuses ranges that are not on it', async () => {
    await using disk = await createDisk({ size: '1M' });
    const text = (offset: number, length: number): Promise<unknown> =>
      disk.read(offset, length).catch((error: unknown) => (error as Error).message);
    expect(await text(100, SECTOR)).toMatch('whole sectors of 512 bytes');
    expect(await text(0, 100)).toMatch('length is 100: want at least 512');
    expect(await text(2 ** 20, SECTOR)).toMatch('end beyond the disk, which has 1048576');
    expect(await text(-SECTOR, SECTOR)).toMatch('offset is -512: want at least 0');
    await expect(disk.write(0, Buffer.alloc(700))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.discard(0, 2 ** 21)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.read('0' as unknown as number, SECTOR)).rejects.toThrow(TypeError);
    await expect(disk.write(0, 'text' as unknown as Buffer)).rejects.toThrow('data must be a Uint8Array');
    await expect(disk.write(0, Buffer.alloc(SECTOR), { fau: true } as object)).rejects.toThrow('no "fau"');
    expect(disk.requests()).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no size', {}, 'wants a size, or an image'],
    ['nothing', undefined, 'must be an object, not undefined'],
    ['an option that is none', { size: 512, sead: 1 }, 'no "sead"'],
    ['a size of another kind', { size: true }, 'size must be a number or a string, not boolean'],
    ['a path of another kind', { size: 512, path: 'yes' }, 'path must be a boolean'],
  ])('refuses %s as a mistake of the caller', async (_, options, text) => {
    const made = createDisk(options as DiskOptions);
    await expect(made).rejects.toThrow(TypeError);
    await expect(made).rejects.toThrow(text);
  });

  it.each([['64Q'], [0], [700], [NaN], [-512], ['0']])('refuses the size %s', async (size) => {
    await expect(createDisk({ size })).rejects.toMatchObject({ name: 'InterposerError', code: 'EINVAL' });
  });
});

describe('a disk with an image', () => {
  let folder: string;
  let image: string;
  const content = Buffer.alloc(300 * 1024, 'what there was. ');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'testing-image-'));
    image = join(folder, 'base.img');
    writeFileSync(image, content);
    truncateSync(image, 2 ** 26);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has its contents, and never changes it', async () => {
    const before = statSync(image, { bigint: true });
    await using disk = await createDisk({ image });
    expect(disk.size).toBe(2 ** 26);
    expect((await disk.read(0, content.length)).equals(content)).toBe(true);
    await disk.write(0, Buffer.alloc(4096, 9));
    await disk.flush();
    await disk.close();
    const after = statSync(image, { bigint: true });
    expect(after.mtimeNs).toBe(before.mtimeNs);
    expect(readFileSync(image, { flag: 'r' }).subarray(0, 16).toString()).toBe('what there was. ');
  });

  it('may be larger than it', async () => {
    truncateSync(image, 2 ** 20);
    await using disk = await createDisk({ image, size: '2M' });
    expect(disk.size).toBe(2 ** 21);
    expect((await disk.read(0, content.length)).equals(content)).toBe(true);
    expect((await disk.read(2 ** 20, 2 ** 20)).equals(Buffer.alloc(2 ** 20))).toBe(true);
  });

  it('can be had several times at once', async () => {
    truncateSync(image, 2 ** 20);
    const disks = await Promise.all([1, 2, 3].map(() => createDisk({ image })));
    for (const disk of disks) expect(await disk.read(512, 512)).toEqual(content.subarray(0, 512));
    await Promise.all(disks.map((disk) => disk.close()));
  });

  it('refuses one that does not fit, or is none', async () => {
    truncateSync(image, 2 ** 20);
    await expect(createDisk({ image, size: '512K' })).rejects.toThrow('less than the 1048576 of the image');
    truncateSync(image, 1000);
    await expect(createDisk({ image })).rejects.toThrow('no whole number of sectors');
    await expect(createDisk({ image: join(folder, 'none') })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(createDisk({ image: folder })).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
