import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BioFlag, BioOp, hasOp } from '@interposer/core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BOTH_WAYS, holds, stamped, useWorkshop, zeroes } from './tools.ts';

const shop = useWorkshop();
const MIB = 2 ** 20;

describe.each(BOTH_WAYS)('a disk image, %s', (_, noFfi) => {
  beforeEach(() => {
    vi.stubEnv('INTERPOSER_NO_FFI', noFfi);
  });

  it.each([
    ['a sector', 3, 1],
    ['4 KiB', 8, 8],
    ['a large request, through the pool', 1, 1024],
    ['the last sector', 4095, 1],
  ])('keeps %s', async (_name, sector, count) => {
    const path = shop().image(2 * MIB);
    const port = await shop().open(path);
    await port.write(sector, stamped(sector, count));
    expect(await holds(port, sector, stamped(sector, count))).toBe(true);
    expect(
      readFileSync(path)
        .subarray(sector * 512, (sector + count) * 512)
        .equals(stamped(sector, count)),
    ).toBe(true);
    expect(await holds(port, 0, zeroes(1))).toBe(true);
  });

  it('moves a window of a plain Uint8Array and nothing beside it', async () => {
    const port = await shop().open(shop().image(MIB));
    const memory = new ArrayBuffer(4096);
    await port.write(7, new Uint8Array(memory, 1024, 512).fill(9));
    const around = new Uint8Array(4096);
    await port.read(7, 1, around.subarray(512, 1024));
    expect(around.indexOf(9)).toBe(512);
    expect(around.lastIndexOf(9)).toBe(1023);
  });

  it('serves many requests at a time, each with its own data', async () => {
    const port = await shop().open(shop().image(4 * MIB));
    const starts = Array.from({ length: 128 }, (_value, i) => i * 64);
    await Promise.all(starts.map((sector) => port.write(sector, stamped(sector, 64, 1))));
    const held = await Promise.all(starts.map((sector) => holds(port, sector, stamped(sector, 64, 1))));
    expect(held.every(Boolean)).toBe(true);
  });

  it('flushes, and writes through the cache', async () => {
    const port = await shop().open(shop().image(MIB));
    expect(port.device.limits.volatileCache).toBe(true);
    await port.write(0, stamped(0, 8), BioFlag.Fua);
    await port.write(8, stamped(8, 8), BioFlag.Preflush);
    await port.flush();
    expect(await holds(port, 0, stamped(0, 16))).toBe(true);
  });

  it('leaves a part of a sector at the end alone, and says so', async () => {
    const path = shop().image(1000 * 512 + 100);
    const port = await shop().open(path);
    expect(port.device.limits.sectors).toBe(1000);
    expect(shop().events).toContainEqual({ kind: 'log', message: expect.stringContaining('last 100 bytes') });
    expect(statSync(path).size).toBe(1000 * 512 + 100);
  });

  it('opens for reading what cannot be written, and writes nothing', async () => {
    const path = shop().image(MIB);
    const port = await shop().open(path, 'read');
    expect(port.device.limits.readOnly).toBe(true);
    expect(hasOp(port.device.limits.ops, BioOp.Discard)).toBe(false);
    await expect(port.write(0, stamped(0, 1))).rejects.toMatchObject({ code: 'EPERM' });
    await port.flush();
    await expect(shop().engine.open(path)).rejects.toMatchObject({ code: 'EROFS' });
  });

  it('answers an error when the file was cut short', async () => {
    const path = shop().image(MIB);
    const port = await shop().open(path);
    truncateSync(path, 1024);
    await expect(port.read(2047, 1)).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.read(0, 8)).rejects.toMatchObject({ code: 'EIO' });
    expect(await holds(port, 0, zeroes(2))).toBe(true);
  });
});

describe('opening', () => {
  it('takes two names of one file for one device', async () => {
    const path = shop().image(MIB);
    const link = join(shop().directory, 'link');
    symlinkSync(path, link);
    const port = await shop().open(path);
    const other = await shop().open(`file:${link}`);
    expect(other.device).toBe(port.device);
    expect(port.device.name).toBe(path);
    expect(port.device.number).toBe('7:0');
  });

  it('takes a hard link for the same image', async () => {
    const path = shop().image(MIB);
    const link = join(shop().directory, 'hard');
    linkSync(path, link);
    await shop().open(path);
    await expect(shop().open(link)).rejects.toMatchObject({ code: 'EBUSY' });
  });

  it('says what is wrong with a name', async () => {
    const { directory } = shop();
    mkdirSync(join(directory, 'folder'));
    writeFileSync(join(directory, 'empty'), '');
    writeFileSync(join(directory, 'tiny'), 'abc');
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    const refusals: [string, string, RegExp][] = [
      ['missing', 'ENOENT', /there is no file ".*missing"/],
      ['folder', 'EINVAL', /is a directory: want a disk image or a block device/],
      ['empty', 'EINVAL', /is empty/],
      ['tiny', 'EINVAL', /3 bytes, less than one sector/],
      ['pipe', 'EINVAL', /is a pipe or socket/],
      ['empty/under', 'ENOENT', /ENOTDIR/],
    ];
    for (const [name, code, message] of refusals) {
      await expect(shop().open(join(directory, name))).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
    await expect(shop().open('/dev/null')).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('a character device'),
    });
  });

  // The superuser may open everything.
  it.skipIf(process.getuid?.() === 0)('needs permission', async () => {
    const path = shop().image(MIB);
    chmodSync(path, 0o444);
    await expect(shop().open(path)).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringContaining(path),
    });
    await shop().open(path, 'read');
  });

  it('leaves no file open when it fails', async () => {
    const path = shop().image(MIB);
    const open = (): string =>
      execFileSync('ls', ['-l', `/proc/${String(process.pid)}/fd`], { encoding: 'utf8' });
    writeFileSync(path, '');
    await expect(shop().open(path)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(open()).not.toContain(path);
    truncateSync(path, MIB);
    const port = await shop().open(path);
    expect(open()).toContain(path);
    port.close();
    await expect.poll(open).not.toContain(path);
  });
});
