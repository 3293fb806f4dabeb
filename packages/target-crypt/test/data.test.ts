import { randomBytes } from 'node:crypto';
import { type Bio, BioFlag, BioOp, SECTOR_SIZE, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { crypt, cryptFilter } from '../src/index.ts';
import { hexKey } from './ring.ts';
import { errorOf, line, makeStand, SECTORS, XTS } from './stand.ts';

describe('data', () => {
  it('is encrypted below, is the same above, and the buffer of the caller is left as it was', async () => {
    const { engine, disk } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    // Small and large, so that both ways of ciphering are taken, and not at multiples of anything.
    for (const [sector, count] of [
      [3, 1],
      [11, 8],
      [50, 129],
      [500, 5001],
    ] as const) {
      const data = randomBytes(count * SECTOR_SIZE);
      const before = Buffer.from(data);
      await port.write(sector, data);
      expect(data.equals(before)).toBe(true);
      const start = sector * SECTOR_SIZE;
      const below = Buffer.from(disk.data.subarray(start, start + data.length));
      for (let at = 0; at < data.length; at += SECTOR_SIZE) {
        expect(below.compare(data, at, at + SECTOR_SIZE, at, at + SECTOR_SIZE)).not.toBe(0);
      }
      expect(Buffer.from(await port.read(sector, count)).equals(data)).toBe(true);
      // What is below does not change by reading.
      expect(Buffer.compare(below, disk.data.subarray(start, start + data.length))).toBe(0);
    }
    port.close();
  });

  it('of many requests at a time finds its own place', async () => {
    const { engine } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    const pieces = Array.from({ length: 60 }, (_, index) =>
      randomBytes(((index % 7) * 40 + 1) * SECTOR_SIZE),
    );
    const starts: number[] = [];
    for (let at = 0, index = 0; index < pieces.length; at += pieces[index]!.length / SECTOR_SIZE, index++) {
      starts.push(at);
    }
    await Promise.all(pieces.map((piece, index) => port.write(starts[index]!, piece)));
    const found = await Promise.all(
      pieces.map((piece, index) => port.read(starts[index]!, piece.length / SECTOR_SIZE)),
    );
    expect(found.every((data, index) => pieces[index]!.equals(data))).toBe(true);
    port.close();
  });

  it('on its way through threads is waited for by a suspend', async () => {
    const { engine } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    const data = randomBytes(2000 * SECTOR_SIZE);
    // The threads start with the first round, and work from a later one on.
    for (let round = 0; round < 5; round++) {
      const written = [0, 2048, 4096].map((sector) => port.write(sector, data));
      await engine.suspend('x');
      await engine.resume('x');
      await Promise.all(written);
      const found = [0, 2048, 4096].map((sector) => port.read(sector, 2000));
      await engine.suspend('x');
      await engine.resume('x');
      expect((await Promise.all(found)).every((one) => data.equals(one))).toBe(true);
    }
    port.close();
  });

  it('is the same with the same key through the filter, and for another row with its offset', async () => {
    const { engine, disk } = makeStand([crypt, cryptFilter]);
    const data = randomBytes(64 * SECTOR_SIZE);
    await engine.create('x', { table: line(XTS) });
    await engine.write('x', 100, data);
    await engine.remove('x');
    const port = await engine.open('chaos:a');
    await engine.attachFilter(port.device.number, `crypt ${XTS}`);
    expect(data.equals(await port.read(100, 64))).toBe(true);
    await engine.detachFilter(port.device.number, 'crypt');
    expect(data.equals(disk.data.subarray(100 * SECTOR_SIZE, 164 * SECTOR_SIZE))).toBe(false);
    port.close();
    // A row that begins later on the disk gets its IVs with an offset.
    await engine.create('y', { table: `0 64 crypt aes-xts-plain64 ${hexKey(64)} 100 chaos:a 100` });
    expect(data.equals(await engine.read('y', 0, 64))).toBe(true);
  });

  it('of 4096-byte sectors comes in whole ones', async () => {
    const { engine } = makeStand();
    await engine.create('x', { table: line(XTS, '1 sector_size:4096') });
    const port = await engine.open('x');
    expect(port.limits).toMatchObject({ logicalBlock: 4096, physicalBlock: 4096, ioMin: 4096 });
    const data = randomBytes(16 * SECTOR_SIZE);
    await port.write(8, data);
    expect(data.equals(await port.read(8, 16))).toBe(true);
    for (const [sector, count] of [
      [1, 8],
      [8, 7],
      [12, 4],
    ] as const) {
      expect((await errorOf(port.read(sector, count))).code).toBe('EINVAL');
      expect((await errorOf(port.write(sector, new Uint8Array(count * SECTOR_SIZE)))).code).toBe('EINVAL');
    }
    port.close();
  });
});

describe('requests', () => {
  it('keep FUA and flushes; what is not supported does not reach the disk', async () => {
    const { engine, disk } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    const seen: [op: BioOp, flags: number, count: number][] = [];
    disk.hold(({ op, flags, count }: Bio) => {
      seen.push([op, flags, count]);
      return false;
    });
    await port.write(0, new Uint8Array(512), BioFlag.Fua);
    await port.write(8, new Uint8Array(1024), BioFlag.Fua | BioFlag.Preflush);
    await port.flush();
    for (const ask of [port.discard(0, 8), port.writeZeroes(0, 8)])
      expect((await errorOf(ask)).code).toBe('ENOTSUP');
    expect(seen).toEqual([
      [BioOp.Write, BioFlag.Fua, 1],
      [BioOp.Flush, 0, 0],
      [BioOp.Write, BioFlag.Fua, 2],
      [BioOp.Flush, 0, 0],
    ]);
    port.close();
  });

  it('discard where that is allowed', async () => {
    const { engine, disk } = makeStand();
    await engine.create('x', { table: line(XTS, '1 allow_discards') });
    await engine.write('x', 0, randomBytes(16 * SECTOR_SIZE));
    const port = await engine.open('x');
    await port.discard(8, 8);
    expect(disk.data.subarray(8 * SECTOR_SIZE, 16 * SECTOR_SIZE).every((byte) => byte === 0)).toBe(true);
    port.close();
  });

  it.each([1, 2000])('that fail below fail above, and nothing of them is seen: %d sectors', async (count) => {
    const { engine, disk } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    await port.write(0, randomBytes(count * SECTOR_SIZE));
    disk.fail(Status.NoSpc, { op: BioOp.Write, times: 1 });
    expect((await errorOf(port.write(0, new Uint8Array(count * SECTOR_SIZE)))).code).toBe('ENOSPC');
    disk.fail(Status.NoData, { op: BioOp.Read, times: 1 });
    const into = randomBytes(count * SECTOR_SIZE);
    expect((await errorOf(port.read(0, count, into))).code).toBe('ENODATA');
    expect(into.every((byte) => byte === 0)).toBe(true);
    port.close();
  });

  it('with the largest IVs are served, and beyond them a row is refused', async () => {
    const { engine } = makeStand();
    const cipher = `aes-xts-plain64 ${hexKey(32)} ${String(2 ** 53 - 1 - SECTORS)}`;
    await engine.create('x', { table: line(cipher) });
    const data = randomBytes(8 * SECTOR_SIZE);
    await engine.write('x', SECTORS - 8, data);
    expect(data.equals(await engine.read('x', SECTORS - 8, 8))).toBe(true);
    const tooLarge = `aes-xts-plain64 ${hexKey(32)} ${String(2 ** 53 - SECTORS)}`;
    const error = await errorOf(engine.create('y', { table: line(tooLarge) }));
    expect(error).toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('Invalid iv_offset sector'),
    });
  });
});
