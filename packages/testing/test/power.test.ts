import { describe, expect, it } from 'vitest';
import { createDisk, type Disk, type PowerCutOptions } from '../src/index.ts';

const SECTOR = 512;

function outcome(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
}

/** Writes sector N full of N+1, for so many sectors. */
async function writeAll(disk: Disk, sectors: number): Promise<void> {
  for (let i = 0; i < sectors; i++) await disk.write(i * SECTOR, Buffer.alloc(SECTOR, i + 1));
}

/** Which sectors have what `writeAll` wrote. */
async function survivors(disk: Disk, sectors: number): Promise<number[]> {
  const bytes = await disk.read(0, sectors * SECTOR);
  return Array.from({ length: sectors }, (_, i) => i).filter((i) => bytes[i * SECTOR] === i + 1);
}

describe('a power cut', () => {
  it('loses what no flush made stable, and nothing else', async () => {
    await using disk = await createDisk({ size: '1M' });
    await writeAll(disk, 10);
    await disk.flush();
    await disk.write(0, Buffer.alloc(SECTOR, 99));
    await disk.write(20 * SECTOR, Buffer.alloc(SECTOR, 99), { fua: true });
    await disk.write(21 * SECTOR, Buffer.alloc(SECTOR, 99));
    expect((await disk.read(0, SECTOR))[0]).toBe(99);
    expect(await disk.powerCut({ keep: 0, seed: 5 })).toEqual({ seed: 5, kept: 0, torn: 0, lost: 2 });
    expect(await survivors(disk, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await disk.read(20 * SECTOR, 2 * SECTOR))[0]).toBe(99);
    expect((await disk.read(21 * SECTOR, SECTOR))[0]).toBe(0);
  });

  it('keeps all where it is told to', async () => {
    await using disk = await createDisk({ size: '1M' });
    await writeAll(disk, 10);
    expect(await disk.powerCut({ keep: 1, torn: 0 })).toMatchObject({ kept: 10, torn: 0, lost: 0 });
    expect((await survivors(disk, 10)).length).toBe(10);
  });

  it('tears writes at multiples of the unit', async () => {
    await using disk = await createDisk({ size: '1M', seed: 1 });
    await disk.write(0, Buffer.alloc(64 * SECTOR, 1));
    expect(await disk.powerCut({ keep: 1, torn: 1, unit: 4096 })).toMatchObject({
      kept: 0,
      torn: 1,
      lost: 0,
    });
    const bytes = await disk.read(0, 64 * SECTOR);
    const there = Array.from({ length: 64 }, (_, i) => bytes[i * SECTOR] === 1);
    const count = there.filter(Boolean).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(64);
    for (let i = 0; i < 64; i += 8) expect(new Set(there.slice(i, i + 8)).size).toBe(1);
  });

  it('does the same for the same seed: that of the disk, or its own', async () => {
    const run = async (seed: number, cut: PowerCutOptions): Promise<unknown> => {
      await using disk = await createDisk({ size: '1M', seed });
      await writeAll(disk, 40);
      return [await disk.powerCut(cut), await survivors(disk, 40)];
    };
    expect(await run(1, {})).toEqual(await run(1, {}));
    expect(await run(1, {})).not.toEqual(await run(2, {}));
    expect(await run(1, { seed: 9 })).toEqual(await run(2, { seed: 9 }));
  });

  it('keeps the first writes only, if writes keep their order', async () => {
    await using disk = await createDisk({ size: '1M', seed: 2, cache: { order: 'prefix', torn: 0 } });
    await writeAll(disk, 40);
    const { kept } = await disk.powerCut();
    expect(await survivors(disk, 40)).toEqual(Array.from({ length: kept }, (_, i) => i));
  });

  it('fails what is held and what comes, before it answers', async () => {
    await using disk = await createDisk({ size: '1M' });
    await writeAll(disk, 4);
    const stall = disk.stall({ op: 'flush' });
    disk.slow({ delay: 60_000 }, { op: 'read' });
    const held = [outcome(disk.flush()), outcome(disk.read(0, SECTOR))];
    await stall.waiting();
    // What a program does at once when its flush fails does not reach the disk either.
    const retried = held[0]!.then(() => outcome(disk.write(0, Buffer.alloc(SECTOR, 77))));
    const cut = disk.powerCut({ keep: 0 });
    const meanwhile = outcome(disk.write(0, Buffer.alloc(SECTOR, 88)));
    expect(await Promise.all([...held, retried, meanwhile])).toEqual(['EIO', 'EIO', 'EIO', 'EIO']);
    expect(await cut).toMatchObject({ lost: 4 });
    stall.release();
    expect(await outcome(disk.flush())).toBe('ok');
  });

  it('may last', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(SECTOR, Buffer.alloc(SECTOR, 2), { fua: true });
    await disk.write(0, Buffer.alloc(SECTOR, 1));
    await disk.powerCut({ keep: 0, stayOff: true });
    const requests = [disk.read(0, SECTOR), disk.write(0, Buffer.alloc(SECTOR)), disk.flush()];
    expect(await Promise.all(requests.map(outcome))).toEqual(['EIO', 'EIO', 'EIO']);
    const survived = (await disk.snapshot()).read(0, 1024);
    expect([survived[0], survived[SECTOR]]).toEqual([0, 2]);
    await expect(disk.powerCut()).rejects.toMatchObject({ code: 'EALREADY' });
    await disk.powerOn();
    expect((await disk.read(0, SECTOR))[0]).toBe(0);
    await expect(disk.powerOn()).rejects.toMatchObject({ code: 'EALREADY' });
  });

  it('comes one at a time', async () => {
    await using disk = await createDisk({ size: '1M' });
    const cut = disk.powerCut({ stayOff: true });
    expect(await Promise.all([disk.powerCut(), disk.powerOn()].map(outcome))).toEqual(['EALREADY', 'EBUSY']);
    await cut;
    await disk.powerOn();
    expect(await outcome(disk.flush())).toBe('ok');
  });

  it('is over when the disk is closed', async () => {
    const disk = await createDisk({ size: '1M' });
    await disk.powerCut({ stayOff: true });
    await disk.close();
    await expect(disk.powerCut()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await expect(disk.powerOn()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  it('loses nothing of a disk without a cache', async () => {
    await using disk = await createDisk({ size: '1M', cache: false });
    await writeAll(disk, 4);
    const stall = disk.stall({ op: 'read' });
    const read = outcome(disk.read(0, SECTOR));
    await stall.waiting();
    expect(await disk.powerCut({ seed: 3, keep: 0, stayOff: true })).toEqual({
      seed: 3,
      kept: 0,
      torn: 0,
      lost: 0,
    });
    expect([await read, await outcome(disk.flush())]).toEqual(['EIO', 'EIO']);
    stall.release();
    await disk.powerOn();
    expect((await survivors(disk, 4)).length).toBe(4);
  });

  it('does not come in the middle of a snapshot', async () => {
    const piece = 2 ** 16;
    for (let moment = 0; moment < 40; moment++) {
      await using disk = await createDisk({ size: '1M' });
      for (let i = 0; i < 8; i++) await disk.write(i * piece, Buffer.alloc(SECTOR, 7));
      const taken = disk.snapshot();
      for (let turn = 0; turn < moment; turn++) await Promise.resolve();
      expect((await disk.powerCut({ keep: 0 })).lost).toBe(8);
      const snapshot = await taken;
      const found = Array.from({ length: 8 }, (_, i) => snapshot.read(i * piece, 1)[0]);
      expect([7, 0]).toContain(found[0]);
      expect(new Set(found).size).toBe(1);
    }
  });

  it('does nothing after it to what waited for a snapshot', async () => {
    await using disk = await createDisk({ size: '1M' });
    await writeAll(disk, 1);
    const taken = disk.snapshot();
    await Promise.resolve();
    await Promise.resolve();
    const write = outcome(disk.write(0, Buffer.alloc(SECTOR, 9)));
    const { lost } = await disk.powerCut({ keep: 0, stayOff: true });
    expect((await taken).read(0, 1)[0]).toBe(1);
    // It may have come through before the cut, but not behind it.
    expect({ write: await write, lost }).toEqual({ write: 'ok', lost: 2 });
    expect((await disk.snapshot()).read(0, 1)[0]).toBe(0);
  });

  it('leaves a snapshot what it was, and can be undone by it', async () => {
    await using disk = await createDisk({ size: '1M' });
    await writeAll(disk, 4);
    const snapshot = await disk.snapshot();
    await disk.powerCut({ keep: 0 });
    expect(await survivors(disk, 4)).toEqual([]);
    await snapshot.restore();
    await disk.powerCut({ keep: 0 });
    expect(await survivors(disk, 4)).toEqual([0, 1, 2, 3]);
  });

  it.each<[unknown, RegExp]>([
    [{ keep: 2 }, /keep is 2: want 0 to 1/],
    [{ torn: '1' }, /torn must be a number/],
    [{ unit: 1000 }, /unit/],
    [{ order: 'none' }, /order/],
    [{ seed: -1 }, /seed is -1/],
    [{ stayof: true }, /no "stayof"/],
  ])('cannot be %j', async (options, text) => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(0, Buffer.alloc(SECTOR, 1));
    await expect(disk.powerCut(options as PowerCutOptions)).rejects.toThrow(text);
    // Nothing has happened.
    expect((await disk.read(0, SECTOR))[0]).toBe(1);
  });
});

describe('the cache', () => {
  it('makes old writes stable when it is full', async () => {
    await using disk = await createDisk({ size: '1M', cache: { size: '16K' } });
    await writeAll(disk, 100);
    const { lost } = await disk.powerCut({ keep: 0 });
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(33);
    expect((await survivors(disk, 100)).slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it.each<[unknown, RegExp]>([
    [{ size: 'x' }, /size/],
    [{ keep: 1.5 }, /keep is 1.5/],
    [{ capacity: 1 }, /no "capacity"/],
    ['big', /must be an object/],
  ])('cannot be %j', async (cache, text) => {
    await expect(createDisk({ size: '1M', cache: cache as never })).rejects.toThrow(text);
  });
});
