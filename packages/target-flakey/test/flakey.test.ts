import { BioFlag, BioOp, bioPool, createEngine, type Engine, type Port, Status } from '@interposer/core';
import { chaosDriver, type ChaosDisk, Random, VirtualClock } from '@interposer/conformance';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flakey } from '../src/index.ts';

const SECTORS = 256;
const SECTOR = 512;

describe('flakey', () => {
  let clock: VirtualClock;
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;

  async function create(args: string): Promise<void> {
    await engine.create('x', { table: `0 128 flakey chaos:a ${args}` });
    port = await engine.open('x');
  }

  const works = (request: Promise<unknown>): Promise<boolean> =>
    request.then(
      () => true,
      () => false,
    );

  beforeEach(() => {
    clock = new VirtualClock();
    clock.advance(123_456.7);
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: SECTORS });
    engine = createEngine({ types: [flakey, driver, ram], clock });
  });

  afterEach(async () => {
    port.close();
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('goes down at the very second, and up again', async () => {
    await create('0 3 2');
    const seen: boolean[] = [];
    for (const milliseconds of [2999, 1, 1999, 1, 2999, 1]) {
      clock.advance(milliseconds);
      seen.push(await works(port.read(0, 1)));
    }
    expect(seen).toEqual([true, false, false, true, true, false]);
  });

  it('is up and down as the kernel reckons, whatever the intervals', async () => {
    const random = new Random(11);
    for (let round = 0; round < 20; round++) {
      const [up, down] = [random.below(9), random.between(1, 9)];
      await create(`0 ${String(up)} ${String(down)}`);
      const start = clock.now();
      for (let i = 0; i < 50; i++) {
        clock.advance(random.below(4000));
        const isUp = Math.floor((clock.now() - start) / 1000) % (up + down) < up;
        expect(await works(port.read(0, 1)), `${String(up)} ${String(down)}`).toBe(isUp);
      }
      port.close();
      await engine.remove('x');
    }
    await create('0 1 0');
  });

  it('judges a request when it is sent, not when it ends', async () => {
    await create('0 10 10');
    disk.hold();
    const read = port.read(0, 1);
    clock.advance(15_000);
    disk.release();
    await read;
  });

  it('fails, drops or passes what is not a read, flushes and discards included', async () => {
    await create('0 0 1 1 drop_writes');
    await port.write(0, new Uint8Array(SECTOR).fill(1), BioFlag.Fua);
    await port.flush();
    await port.discard(0, 8);
    expect(disk.requests).toBe(0);
    await port.read(0, 1);
    expect(disk.requests).toBe(1);
  });

  it('corrupts what is written, and not the data of the writer', async () => {
    await create('8 0 1 5 corrupt_bio_byte 600 w 77 0');
    const data = new Uint8Array(4 * SECTOR).fill(1);
    await port.write(2, data);
    expect(data.every((byte) => byte === 1)).toBe(true);
    const written = disk.data.slice(10 * SECTOR, 14 * SECTOR);
    expect(written[599]).toBe(77);
    expect(written.filter((byte) => byte !== 1)).toHaveLength(1);
    expect(await port.read(2, 4)).toEqual(written);
  });

  it('writes each of many copies at its own place, however they end', async () => {
    await create('0 0 1 5 corrupt_bio_byte 1 w 255 0');
    for (let round = 0; round < 6; round++) {
      const value = (i: number): number => (i + round * 31) % 251;
      disk.hold();
      const writes = Array.from({ length: 64 }, (_, i) =>
        port.write(i * 2, new Uint8Array(2 * SECTOR).fill(value(i))),
      );
      // A failure gives its copy back, too.
      if (round === 2) disk.fail(Status.Io, { times: 8 });
      disk.release(round % 2 === 0 ? 'oldest' : 'newest');
      const failed = (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected');
      expect(failed).toHaveLength(round === 2 ? 8 : 0);
      if (round === 2) continue;
      for (let i = 0; i < 64; i++) {
        const data = disk.data.subarray(i * 2 * SECTOR, (i + 1) * 2 * SECTOR);
        expect(data[0]).toBe(255);
        expect(data.subarray(1).every((byte) => byte === value(i))).toBe(true);
      }
    }
  });

  it('gives a write back to its submitter as it was', async () => {
    await create('0 0 1 2 random_write_corrupt 1000000000');
    const buffer = new Uint8Array(4 * SECTOR).fill(3);
    const bio = bioPool.get();
    bio.op = BioOp.Write;
    bio.count = 2;
    bio.buffer = buffer;
    bio.bufferOffset = SECTOR;
    const [back, offset] = await new Promise<[Uint8Array, number]>((resolve) => {
      bio.end = (done) => {
        resolve([done.buffer, done.bufferOffset]);
        bioPool.put(done);
      };
      port.submit(bio);
    });
    expect(back).toBe(buffer);
    expect(offset).toBe(SECTOR);
    expect(buffer.every((byte) => byte === 3)).toBe(true);
  });

  it('corrupts no read that failed, and nothing of a shorter one', async () => {
    await create('0 0 1 5 corrupt_bio_byte 513 r 1 0');
    disk.fail(Status.Io, { times: 1 });
    await expect(port.read(0, 8)).rejects.toMatchObject({ code: 'EIO' });
    expect(await port.read(0, 1)).toEqual(new Uint8Array(SECTOR));
    expect((await port.read(0, 2))[512]).toBe(1);
  });

  it('shows holes as holes, unless what is read may be corrupted', async () => {
    await engine.create('holes', { table: '0 64 flakey ram:512s 200 0 1 1 drop_writes' });
    expect(await engine.extents('holes', 0, 64)).toEqual([{ sector: 0, count: 64, hole: true, zero: true }]);
    await create('64 0 1 2 random_read_corrupt 1');
    expect(await port.extents(0, 128)).toEqual([{ sector: 0, count: 128, hole: false, zero: false }]);
    await engine.create('read', { table: '0 64 flakey ram:512s 0 0 1 2 random_read_corrupt 1' });
    expect(await engine.extents('read', 0, 64)).toEqual([{ sector: 0, count: 64, hole: false, zero: false }]);
    await engine.create('shifted', { table: '0 64 flakey ram:512s 200 1 0' });
    await engine.write('shifted', 60, new Uint8Array(SECTOR).fill(1));
    // The RAM disk allocates sectors 256 to 383.
    expect(await engine.extents('shifted', 0, 64)).toEqual([
      { sector: 0, count: 56, hole: true, zero: true },
      { sector: 56, count: 8, hole: false, zero: false },
    ]);
  });
});
