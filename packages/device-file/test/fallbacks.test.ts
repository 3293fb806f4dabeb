import { write } from 'node:fs';
import { BioFlag, BioOp, hasOp, type Port } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import type { Ffi } from '../src/ffi.ts';
import { holds, stamped, useWorkshop, zeroes } from './tools.ts';

const shop = useWorkshop();
const [PUNCH, ZERO_RANGE] = [3, 0x11];
const [EIO, EINVAL, ENXIO, EOPNOTSUPP, EAGAIN] = [5, 22, 6, 95, 11];
const F_UNLCK = 2;

/** What a made-up file system answers. */
interface FileSystem {
  /** By mode. */
  readonly fallocate?: Readonly<Record<number, number>>;
  readonly seek?: (position: number, whence: number) => number;
  readonly lock?: (command: number, start: number) => number;
}

async function open(system: FileSystem): Promise<{ disk: Port; log: string[] }> {
  const log: string[] = [];
  const ffi: Ffi = {
    readNow: () => -EAGAIN,
    fallocate: (_fd, mode, position, length, done) => {
      log.push(`fallocate ${String(mode)} ${String(position)}+${String(length)}`);
      setImmediate(done, system.fallocate?.[mode] ?? 0);
    },
    seek: (_fd, position, whence, done) => setImmediate(done, system.seek?.(position, whence) ?? -EINVAL),
    takeBatch: () => undefined,
    giveBack: () => undefined,
    lock: async (_fd, command, { start }) => system.lock?.(command, start) ?? (command === 37 ? 0 : F_UNLCK),
  };
  const disk = await shop().openFaked(2 ** 20, {
    ffi,
    write: (fd, buffer, offset, length, position, done) => {
      log.push(`write ${String(position)}+${String(length)}`);
      write(fd, buffer, offset, length, position, done);
    },
  });
  return { disk, log };
}

describe('where holes cannot be made', () => {
  it('offers no discard, and writes zeroes after it has tried once', async () => {
    const { disk, log } = await open({ fallocate: { [PUNCH]: -EOPNOTSUPP, [ZERO_RANGE]: -EOPNOTSUPP } });
    expect(hasOp(disk.device.limits.ops, BioOp.Discard)).toBe(false);
    await disk.write(0, stamped(0, 16));
    log.length = 0;
    await disk.writeZeroes(0, 8);
    await disk.writeZeroes(8, 8, BioFlag.NoUnmap);
    expect(log).toEqual(['fallocate 3 0+4096', 'fallocate 17 0+4096', 'write 0+4096', 'write 4096+4096']);
    expect(await holds(disk, 0, zeroes(16))).toBe(true);
  });

  it('marks ranges as unwritten where that can be done', async () => {
    const { disk, log } = await open({ fallocate: { [PUNCH]: -EOPNOTSUPP } });
    log.length = 0;
    await disk.writeZeroes(0, 8);
    expect(log).toEqual(['fallocate 3 0+4096', 'fallocate 17 0+4096']);
  });

  it('probes behind the end of the file only', async () => {
    const { disk, log } = await open({});
    expect(hasOp(disk.device.limits.ops, BioOp.Discard)).toBe(true);
    const behind = `${String(2 ** 20)}+4096`;
    // The last one gives back what the zeroed range allocated.
    expect(log).toEqual([`fallocate 3 ${behind}`, `fallocate 17 ${behind}`, `fallocate 3 ${behind}`]);
  });

  it.each([
    ['can make holes and mark ranges', {}, true],
    ['cannot mark ranges', { [ZERO_RANGE]: -EOPNOTSUPP }, false],
    ['cannot make holes', { [PUNCH]: -EOPNOTSUPP }, false],
  ])('where the file system %s, zeroing is told to be fast: %s', async (_, fallocate, fast) => {
    const { disk } = await open({ fallocate });
    expect(disk.device.limits.fastZeroes).toBe(fast);
  });

  it('reports what goes wrong', async () => {
    const { disk } = await open({ fallocate: { [ZERO_RANGE]: -EIO } });
    await expect(disk.writeZeroes(0, 8, BioFlag.NoUnmap)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('where holes cannot be told', () => {
  it.each([
    ['does not know the call', -EINVAL, 0],
    ['refuses it', -EOPNOTSUPP, 0],
  ])('calls everything data when the file system %s', async (_, answer) => {
    const { disk } = await open({ seek: () => answer });
    expect(await disk.extents(1, 5)).toEqual([{ sector: 1, count: 5, hole: false, zero: false }]);
  });

  it('reports an error', async () => {
    const { disk } = await open({ seek: () => -EIO });
    await expect(disk.extents(0, 1)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('calls a sector that is data in part data', async () => {
    const { disk } = await open({
      seek: (position, whence) => {
        if (whence === 3) return position > 2600 ? -ENXIO : Math.max(position, 1300);
        return 2600;
      },
    });
    expect((await disk.extents(0, 10)).map(({ sector, count, hole }) => [sector, count, hole])).toEqual([
      [0, 2, true],
      [2, 4, false],
      [6, 4, true],
    ]);
  });

  it('comes to an end when holes appear between the questions', async () => {
    const { disk } = await open({ seek: (position) => position });
    expect(await disk.extents(0, 10)).toEqual([{ sector: 0, count: 10, hole: false, zero: false }]);
  });
});

describe('where files cannot be locked', () => {
  it('says so and goes on', async () => {
    await open({ lock: () => -37 });
    expect(shop().log).toContainEqual(expect.stringContaining('cannot be locked against other programs'));
  });

  it.each([
    ['a lock on the whole file', (command: number) => (command === 37 ? -EAGAIN : F_UNLCK)],
    [
      'somebody who denies writing',
      (command: number, start: number) =>
        command === 36 && start === 201 ? 0 : command === 37 ? 0 : F_UNLCK,
    ],
    [
      'somebody who writes',
      (command: number, start: number) =>
        command === 36 && start === 101 ? 0 : command === 37 ? 0 : F_UNLCK,
    ],
  ])('gives way to %s', async (_, lock) => {
    await expect(open({ lock })).rejects.toMatchObject({
      code: 'EBUSY',
      message: expect.stringContaining('another program'),
    });
  });
});
