import { BioFlag, BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { byteAt, expectSame, sector, Stand } from './stand.ts';

const WRITE = BioOp.Write;
const TWO = 'core 2 16 nosync 2 chaos:a 0 chaos:b 0';

describe('writes', () => {
  it('end when all legs have them, with FUA on all', async () => {
    const stand = new Stand();
    const legs = ['a', 'b', 'c'].map((name) => stand.disk(name, { volatile: true }));
    const port = await stand.create('core 2 16 nosync 3 chaos:a 0 chaos:b 0 chaos:c 0');
    legs[2]!.hold();
    let ended = false;
    const write = port.write(40, sector(7), BioFlag.Fua).then(() => (ended = true));
    await stand.settle();
    expect(ended).toBe(false);
    legs[2]!.release();
    await write;
    for (const leg of legs) {
      leg.cutPower();
      expect(byteAt(leg, 40)).toBe(7);
    }
  });

  it('that a leg fails are done without handle_errors, and no longer in sync', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a'), stand.disk('b')];
    const port = await stand.create(TWO);
    b.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    expect(await stand.status()).toBe('7/8 1 AD 1 core');
    const [progress] = await stand.engine.progress('x');
    expect(progress).toMatchObject({ done: 112, total: 128, failure: 'a leg has failed: AD' });
    expect(await stand.events()).toBe(0);
    await port.write(21, sector(8));
    expect([byteAt(a, 21), byteAt(b, 21)]).toEqual([8, 0]);
    await port.write(40, sector(9));
    expect(byteAt(b, 40)).toBe(9);
  });

  it('that the default leg fails make another one the default, for what is not there cannot be read', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create(TWO);
    a.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    expect(await stand.status()).toBe('7/8 1 DA 1 core');
    expect(await port.read(20, 1)).toEqual(sector(7));
    await port.write(21, sector(8));
    expect(await port.read(21, 1)).toEqual(sector(8));
    expect([byteAt(a, 21), byteAt(b, 21)]).toEqual([1, 8]);
  });

  it('are never done when the leg that would be read does not have them', async () => {
    const stand = new Stand();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => stand.disk(name, { fill: 1 }));
    const port = await stand.create('core 2 16 nosync 3 chaos:a 0 chaos:b 0 chaos:c 0');
    b!.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    // Out of sync, so the default leg stays what it is.
    a!.fail(Status.Io, { op: WRITE, times: 1 });
    await expect(port.write(40, sector(8))).rejects.toMatchObject({ code: 'EIO' });
    expect(await port.read(40, 1)).toEqual(sector(1));
    expect(byteAt(c!, 40)).toBe(8);
  });

  it('that all legs fail are errors', async () => {
    const stand = new Stand();
    for (const name of ['a', 'b']) stand.disk(name).fail(Status.NoSpc, { op: WRITE });
    const port = await stand.create(`${TWO} 1 handle_errors`);
    await expect(port.write(20, sector(7))).rejects.toMatchObject({ code: 'EIO' });
    expect(await stand.status()).toBe('7/8 1 DD 1 core');
    expect(await stand.events()).toBe(1);
  });

  it('wait for another table with handle_errors, and go through it', async () => {
    const stand = new Stand();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => stand.disk(name, { fill: 1 }));
    const port = await stand.create(`${TWO} 1 handle_errors`);
    b!.fail(Status.Io, { op: WRITE });
    const event = stand.engine.wait('x', 0);
    const ended: number[] = [];
    const writes = [20, 21, 40].map((at) => port.write(at, sector(at)).then(() => ended.push(at)));
    writes.push(port.write(60, sector(60, 50)).then(() => ended.push(60)));
    await event;
    expect(await port.read(3, 1)).toEqual(sector(1));
    expect(ended).toEqual([]);
    await stand.reload('core 1 16 2 chaos:a 0 chaos:c 0 1 handle_errors', true);
    await Promise.all(writes);
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(c!, a!);
    expect([20, 21, 40, 60, 109].map((at) => byteAt(c!, at))).toEqual([20, 21, 40, 60, 60]);
  });

  it('that wait are errors when the device is suspended for good', async () => {
    const stand = new Stand();
    stand.disk('a');
    stand.disk('b').fail(Status.Io, { op: WRITE });
    const port = await stand.create(`${TWO} 1 handle_errors`);
    const write = expect(port.write(20, sector(7))).rejects.toMatchObject({ code: 'EIO' });
    const flush = port.flush();
    await stand.engine.suspend('x');
    await write;
    await flush;
    await stand.engine.resume('x');
  });

  it('go on with keep_log on the legs that are left', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a'), stand.disk('b')];
    const port = await stand.create(`${TWO} 2 handle_errors keep_log`);
    a.fail(Status.Io, { op: WRITE });
    for (let at = 0; at < 128; at += 8) await port.write(at, sector(at + 1));
    expect(await stand.status()).toBe('0/8 1 DA 1 core');
    for (let at = 0; at < 128; at += 8) expect(await port.read(at, 1)).toEqual(sector(at + 1));
    expect(byteAt(b, 8)).toBe(9);
  });
});

describe('flushes', () => {
  it('go to all legs', async () => {
    const stand = new Stand();
    const legs = ['a', 'b'].map((name) => stand.disk(name, { volatile: true }));
    const port = await stand.create(TWO);
    await port.write(3, sector(7));
    await port.flush();
    for (const leg of legs) {
      leg.cutPower();
      expect(byteAt(leg, 3)).toBe(7);
    }
  });

  it('that a leg fails count as a failed write of that leg, and the other leg is read', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { volatile: true }), stand.disk('b', { volatile: true })];
    const port = await stand.create(TWO);
    await port.write(3, sector(7));
    a.fail(Status.Io, { op: BioOp.Flush, times: 1 });
    await port.flush();
    a.cutPower();
    b.cutPower();
    expect(await port.read(3, 1)).toEqual(sector(7));
    expect(await stand.status()).toBe('8/8 1 DA 1 core');
  });
});

describe('discards', () => {
  it('go to all legs over many regions', async () => {
    const stand = new Stand();
    const legs = ['a', 'b'].map((name) => stand.disk(name, { fill: 1 }));
    const port = await stand.create(TWO);
    await port.discard(10, 50);
    for (const leg of legs) {
      expect([9, 10, 59, 60].map((at) => byteAt(leg, at))).toEqual([1, 0, 0, 1]);
    }
  });

  it('that a leg fails are errors, and what they left is made the same again', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create(`${TWO} 1 handle_errors`);
    a.fail(Status.Io, { op: BioOp.Discard, times: 1 });
    await expect(port.discard(10, 50)).rejects.toMatchObject({ code: 'EIO' });
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(b, a);
    expect(byteAt(b, 10)).toBe(1);
  });

  it('wait for regions that are being copied', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.hold();
    const port = await stand.create('core 1 16 2 chaos:a 0 chaos:b 0');
    const discard = port.discard(0, 128);
    await stand.settle();
    expect([a.arrived[BioOp.Discard], b.arrived[BioOp.Discard]]).toEqual([0, 0]);
    b.release();
    await discard;
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expect([byteAt(a, 127), byteAt(b, 127)]).toEqual([0, 0]);
  });
});
