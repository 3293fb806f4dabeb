import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDisk, type Disk, type DiskSnapshot } from '../src/index.ts';

const SECTOR = 512;
const PAIRS = 8;
const SIZE = 2 ** 20;
const FAR = SIZE - 2 ** 16;
const ROUNDS = 100;

/**
 * Writes a counter to two places, again and again: the second place never has more than the first. Nothing in it waits for the
 * event loop, so that it runs while a snapshot is taken.
 */
async function writePair(disk: Disk, pair: number): Promise<void> {
  const data = Buffer.alloc(SECTOR);
  for (let count = 1; count <= ROUNDS; count++) {
    data.writeUInt32LE(count);
    await disk.write(pair * SECTOR, data);
    await disk.write(FAR + pair * SECTOR, data);
  }
}

function counts(snapshot: DiskSnapshot, pair: number): [first: number, second: number] {
  const at = (offset: number): number => snapshot.read(offset + pair * SECTOR, 4).readUInt32LE();
  return [at(0), at(FAR)];
}

describe('a snapshot', () => {
  it('is the disk as it was, un-flushed writes included', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(4096, Buffer.alloc(SECTOR, 1));
    const snapshot = await disk.snapshot();
    await disk.write(4096, Buffer.alloc(SECTOR, 2));
    expect(snapshot.size).toBe(2 ** 20);
    expect([...snapshot.read(4095, 3)]).toEqual([0, 1, 1]);
    expect(snapshot.read(2 ** 20, 0)).toEqual(Buffer.alloc(0));
    expect(() => snapshot.read(2 ** 20 - 1, 2)).toThrow('length is 2: want 0 to 1');
  });

  it('reads across pieces', async () => {
    await using disk = await createDisk({ size: '1M' });
    const data = Buffer.from(Array.from({ length: 2 ** 18 }, (_, i) => i % 251));
    await disk.write(60 * 1024, data);
    const snapshot = await disk.snapshot();
    expect(snapshot.read(60 * 1024 + 77, 2 ** 17).equals(data.subarray(77, 77 + 2 ** 17))).toBe(true);
  });

  it('is of one moment, and fails no request', async () => {
    await using disk = await createDisk({ size: SIZE });
    // There is something to copy between the two places.
    await disk.write(2 ** 17, Buffer.alloc(SIZE - 2 ** 18, 1));
    const writers = Array.from({ length: PAIRS }, (_, pair) => writePair(disk, pair));
    const snapshots: DiskSnapshot[] = [];
    while (snapshots.length < 10) snapshots.push(await disk.snapshot());
    await Promise.all(writers);
    for (const snapshot of snapshots) {
      for (let pair = 0; pair < PAIRS; pair++) {
        const [first, second] = counts(snapshot, pair);
        expect([0, 1]).toContain(first - second);
      }
    }
    const [before, after] = [counts(snapshots[0]!, 0), counts(snapshots.at(-1)!, 0)];
    expect(before[0]).toBeLessThan(after[0]);
    expect(after[0]).toBeLessThan(ROUNDS);
    expect(disk.requests().every(({ result }) => result === 'ok')).toBe(true);
  });

  it('gives the disk its contents back, under a client that writes on', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(0, Buffer.alloc(SECTOR, 1));
    await disk.write(2 ** 19, Buffer.alloc(SECTOR, 1));
    const snapshot = await disk.snapshot();
    await disk.write(0, Buffer.alloc(2 ** 20, 2));
    const before = disk.write(SECTOR, Buffer.alloc(SECTOR, 3));
    const restored = snapshot.restore();
    // It pauses the disk in the next microtask.
    await Promise.resolve();
    const after = disk.write(2 * SECTOR, Buffer.alloc(SECTOR, 4));
    await Promise.all([before, restored, after]);
    const bytes = await disk.read(0, 2 ** 20);
    expect([0, 1, 2, 3].map((sector) => bytes[sector * SECTOR])).toEqual([1, 0, 4, 0]);
    expect(bytes[2 ** 19]).toBe(1);
  });

  it('of a large disk with little on it takes little', async () => {
    await using disk = await createDisk({ size: '16T' });
    await disk.write(2 ** 43, Buffer.alloc(SECTOR, 8));
    const snapshot = await disk.snapshot();
    expect(snapshot.read(2 ** 43, 1)[0]).toBe(8);
    expect(disk.requests().length).toBe(1);
    await snapshot.restore();
    expect((await disk.read(2 ** 43, SECTOR))[0]).toBe(8);
  });

  it('is what another disk begins with', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(4096, Buffer.alloc(SECTOR, 6));
    const snapshot = await disk.snapshot();
    await disk.close();
    await using other = await createDisk({ image: snapshot });
    expect(other.size).toBe(2 ** 20);
    expect((await other.read(4096, SECTOR))[0]).toBe(6);
  });

  it('cannot be taken of, or given to, a disk that is closed', async () => {
    const disk = await createDisk({ size: '1M' });
    const snapshot = await disk.snapshot();
    await disk.close();
    await expect(disk.snapshot()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await expect(snapshot.restore()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  describe('in a file', () => {
    let folder: string;
    beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'testing-snapshot-'))));
    afterEach(() => rmSync(folder, { recursive: true }));

    it('has holes', async () => {
      await using disk = await createDisk({ size: '64M' });
      await disk.write(2 ** 25, Buffer.alloc(SECTOR, 7));
      const path = join(folder, 'disk.img');
      await (await disk.snapshot()).save(path);
      const { size, blocks } = statSync(path);
      expect(size).toBe(2 ** 26);
      expect(blocks * SECTOR).toBeLessThan(2 ** 20);
      expect(readFileSync(path)[2 ** 25]).toBe(7);
    });

    it('cannot be where there is no folder', async () => {
      await using disk = await createDisk({ size: '1M' });
      const snapshot = await disk.snapshot();
      await expect(snapshot.save(join(folder, 'none', 'disk.img'))).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
});
