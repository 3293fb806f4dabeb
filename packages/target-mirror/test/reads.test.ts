import { BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { byteAt, sector, Stand } from './stand.ts';

const READ = BioOp.Read;

describe('reads', () => {
  it('go to the default leg one by one, and to all legs when several are under way', async () => {
    const stand = new Stand();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => stand.disk(name));
    const port = await stand.create('core 2 16 nosync 3 chaos:a 0 chaos:b 0 chaos:c 0');
    for (let i = 0; i < 5; i++) await port.read(i, 1);
    expect([a!.arrived[READ], b!.arrived[READ], c!.arrived[READ]]).toEqual([5, 0, 0]);
    for (const disk of [a!, b!, c!]) disk.hold();
    const reads = Array.from({ length: 30 }, (_, i) => port.read(i, 1));
    expect([a!.held.length, b!.held.length, c!.held.length]).toEqual([10, 10, 10]);
    for (const disk of [a!, b!, c!]) disk.release();
    await Promise.all(reads);
  });

  it('go to the default leg while a write is under way in their region', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a'), stand.disk('b')];
    const port = await stand.create('core 2 16 nosync 2 chaos:a 0 chaos:b 0');
    b.hold(({ op }) => op === BioOp.Write);
    a.hold(({ op }) => op === READ);
    const write = port.write(3, sector(7));
    const reads = Array.from({ length: 6 }, () => port.read(3, 1));
    expect([a.held.length, b.arrived[READ]]).toEqual([6, 0]);
    const others = [port.read(20, 1), port.read(21, 1)];
    expect(b.arrived[READ]).toBe(2);
    a.release();
    for (const data of await Promise.all(reads)) expect(data[0]).toBe(7);
    b.release();
    await Promise.all([write, ...others]);
  });

  it('that fail are read from another leg, and the leg counts as failed', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create('core 2 16 nosync 2 chaos:a 0 chaos:b 0 1 handle_errors');
    a.fail(Status.NoData, { op: READ, times: 1 });
    expect(await port.read(5, 1)).toEqual(sector(1));
    expect(await stand.status()).toBe('8/8 1 RA 1 core');
    expect(await stand.events()).toBe(1);
    expect(stand.log).toHaveLength(1);
    await port.read(6, 1);
    expect([a.arrived[READ], b.arrived[READ]]).toEqual([1, 2]);
  });

  it('fail with what the last leg said when all legs fail, and work again when that leg does', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create('core 2 16 nosync 2 chaos:a 0 chaos:b 0');
    a.fail(Status.Io, { op: READ });
    b.fail(Status.NoData, { op: READ });
    await expect(port.read(5, 1)).rejects.toMatchObject({ code: 'ENODATA' });
    expect(await stand.status()).toBe('8/8 1 RR 1 core');
    a.heal();
    b.heal();
    expect(await port.read(5, 1)).toEqual(sector(1));
  });

  it('of a region out of sync never leave the default leg', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.fail(Status.Io, { op: BioOp.Write });
    const port = await stand.create('core 1 16 2 chaos:a 0 chaos:b 0 1 handle_errors');
    await stand.settle();
    expect(await stand.status()).toBe('0/8 1 AS 1 core');
    a.fail(Status.Io, { op: READ, times: 1 });
    await expect(port.read(5, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(b.arrived[READ]).toBe(0);
    expect(await stand.status()).toBe('0/8 1 RS 1 core');
    expect(await port.read(5, 1)).toEqual(sector(1));
  });

  it('leave no wrong data in the buffer when a leg gives half of it and fails', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 9 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create('core 2 64 nosync 2 chaos:a 0 chaos:b 0');
    a.hold();
    const read = port.read(0, 40);
    a.fail(Status.Io);
    a.held[0]!.buffer.fill(9);
    a.release();
    expect(await read).toEqual(sector(1, 40));
    expect(byteAt(b, 0)).toBe(1);
  });

  it('show the allocation of the default leg', async () => {
    const stand = new Stand();
    stand.disk('a', { sectors: 256 });
    stand.disk('b');
    const port = await stand.create('core 2 16 nosync 2 chaos:a 128 chaos:b 0');
    expect(await port.extents(10, 20)).toEqual([{ sector: 10, count: 20, hole: false, zero: false }]);
  });
});
