import { BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { byteAt, expectSame, sector, Stand } from './stand.ts';

const CORE = 'core 1 16 2 chaos:a 0 chaos:b 0';

describe('resync', () => {
  it('copies all from the first leg, tells how far it is, and raises an event at the end', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.hold();
    await stand.create(CORE);
    const event = stand.engine.wait('x', 0);
    expect(await stand.status()).toBe('0/8 1 AA 1 core');
    b.releaseOne();
    b.releaseOne();
    expect(await stand.status()).toBe('2/8 1 AA 1 core');
    const row = { start: 0, length: 128, type: 'mirror', activity: 'resync', total: 128 };
    expect(await stand.engine.progress('x')).toEqual([{ ...row, done: 32 }]);
    b.release();
    expect(await event).toBe(1);
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expect(await stand.engine.progress('x')).toEqual([{ ...row, done: 128 }]);
    expectSame(b, a);
  });

  it('holds writes back while their region is copied, and no others', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    a.hold(({ op }) => op === BioOp.Read);
    const port = await stand.create(CORE);
    let ended = false;
    const inside = port.write(3, sector(7)).then(() => (ended = true));
    // Its turn has not come: it goes to the default leg.
    await port.write(100, sector(8));
    expect([byteAt(a, 100), byteAt(b, 100)]).toEqual([8, 2]);
    expect(ended).toBe(false);
    a.release();
    await inside;
    await stand.settle();
    expectSame(b, a);
    expect([byteAt(b, 3), byteAt(b, 100)]).toEqual([7, 8]);
  });

  it('waits for the writes under way in a region', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.hold();
    const port = await stand.create(CORE);
    // The first four regions are being copied; this is the seventh.
    a.hold(({ op }) => op === BioOp.Write);
    const write = port.write(100, sector(8));
    b.release();
    await stand.settle();
    expect(await stand.status()).toBe('7/8 1 AA 1 core');
    const late = port.write(101, sector(9));
    a.release();
    await Promise.all([write, late]);
    await stand.settle();
    expectSame(b, a);
    expect([byteAt(b, 100), byteAt(b, 101)]).toEqual([8, 9]);
  });

  it('stops at a suspend, and starts again at the resume', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.hold();
    await stand.create(CORE);
    const suspending = stand.engine.suspend('x');
    await stand.settle();
    b.release();
    await suspending;
    const before = [a.requests, b.requests];
    await stand.pass(50);
    expect([a.requests, b.requests]).toEqual(before);
    expect((await stand.status()).startsWith('8/8')).toBe(false);
    await stand.engine.resume('x');
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(b, a);
  });

  it('does not end a suspend before the copies under way', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b', { fill: 2 });
    b.hold();
    await stand.create(CORE);
    let suspended = false;
    const suspending = stand.engine.suspend('x').then(() => (suspended = true));
    await stand.settle();
    expect(suspended).toBe(false);
    b.release();
    await suspending;
    await stand.engine.resume('x');
    await stand.settle();
  });

  it('leaves regions alone that cannot be written, and says so', async () => {
    const stand = new Stand();
    const [a, b, c] = ['a', 'b', 'c'].map((name, index) => stand.disk(name, { fill: index }));
    b!.fail(Status.Io, { op: BioOp.Write, skip: 2, times: 1 });
    await stand.create('core 1 16 3 chaos:a 0 chaos:b 0 chaos:c 0 1 handle_errors');
    await stand.settle();
    expect(await stand.status()).toBe('7/8 1 ASA 1 core');
    expect(await stand.events()).toBe(1);
    await stand.engine.suspend('x');
    await stand.engine.resume('x');
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AAA 1 core');
    expectSame(b!, a!);
    expectSame(c!, a!);
  });

  it('counts what could not be copied as in sync without handle_errors, and yet never reads it', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.fail(Status.Io, { op: BioOp.Write, skip: 2, times: 1 });
    const port = await stand.create(CORE);
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expect([byteAt(b, 16), byteAt(b, 32), byteAt(b, 48)]).toEqual([1, 2, 1]);
    a.fail(Status.Io, { op: BioOp.Read, times: 2 });
    await expect(port.read(32, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(await port.read(16, 1)).toEqual(sector(1));
    a.heal();
    a.fail(Status.Io, { op: BioOp.Write, times: 1 });
    await expect(port.write(64, sector(3))).rejects.toMatchObject({ code: 'EIO' });
    expect(await port.read(32, 1)).toEqual(sector(1));
    await stand.engine.suspend('x');
    await stand.engine.resume('x');
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(a, b);
  });

  it('never copies what it could not read', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    a.fail(Status.Io, { op: BioOp.Read, skip: 1, times: 1 });
    await stand.create(CORE);
    await stand.settle();
    expect(await stand.status()).toBe('7/8 1 SA 1 core');
    expect([byteAt(b, 0), byteAt(b, 16), byteAt(b, 32)]).toEqual([1, 2, 1]);
  });

  it('lets others have their turn, however fast the disks are', async () => {
    const stand = new Stand();
    const sectors = 65_536;
    stand.disk('a', { sectors, fill: 1 });
    stand.disk('b', { sectors, fill: 2 });
    await stand.create('core 1 2048 2 chaos:a 0 chaos:b 0', sectors);
    expect((await stand.status()).startsWith('32/32')).toBe(false);
    await stand.settle();
    expect(await stand.status()).toBe('32/32 1 AA 1 core');
  });

  it('goes on after filters came and went while it was under way', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2, delay: 3 })];
    await stand.create(CORE);
    await stand.wait(stand.engine.attachFilter('x', 'pass@777'));
    await stand.wait(stand.engine.detachFilter('x', 'pass'));
    await stand.pass(60);
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(b, a);
  });

  it('does not begin, nor write to the log, while the table is read-only', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    const log = stand.disk('log', { sectors: 8 });
    const table = '0 128 mirror disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0';
    await stand.engine.create('x', { table, readOnly: true });
    await stand.settle();
    expect(await stand.status()).toBe('0/8 1 AA 3 disk A');
    expect(await stand.engine.read('x', 100, 1)).toEqual(sector(1));
    await stand.engine.remove('x');
    expect([a, b, log].map((disk) => disk.arrived[BioOp.Write])).toEqual([0, 0, 0]);
  });

  it('ends when the device is lost, and so do the requests that wait for it', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b', { fill: 2 });
    b.hold();
    const port = await stand.create(CORE);
    const write = expect(port.write(3, sector(7))).rejects.toMatchObject({ code: 'ENODEV' });
    const yanking = stand.engine.yank('x');
    await write;
    const { requests } = b;
    b.release();
    await yanking;
    await stand.settle();
    expect(b.requests).toBe(requests);
  });

  it('ends with the device', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b', { fill: 2, delay: 3 });
    const port = await stand.create(CORE);
    await stand.pass(1);
    port.close();
    await stand.wait(stand.engine.remove('x'));
    const { requests } = b;
    await stand.pass(20);
    expect(b.requests).toBe(requests);
  });
});
