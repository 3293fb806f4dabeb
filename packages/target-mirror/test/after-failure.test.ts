import { BioOp, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { byteAt, expectSame, sector, SECTORS, Stand } from './stand.ts';

const WRITE = BioOp.Write;
const TWO = 'core 2 16 nosync 2 chaos:a 0 chaos:b 0';

async function again(stand: Stand): Promise<void> {
  await stand.engine.suspend('x');
  await stand.engine.resume('x');
  await stand.settle();
}

describe('a leg that failed', () => {
  it('counts again when all of it was copied, as in the kernel', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
    const port = await stand.create(TWO);
    a.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    expect(await stand.status()).toBe('7/8 1 DA 1 core');
    await again(stand);
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(a, b);
    // Now the other one fails, and it can be done without.
    b.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(40, sector(8));
    expect(await stand.status()).toBe('7/8 1 AD 1 core');
    expect(await port.read(40, 1)).toEqual(sector(8));
    expect([byteAt(a, 40), byteAt(b, 40)]).toEqual([8, 1]);
  });

  it('and is another time tells of it another time', async () => {
    const stand = new Stand();
    stand.disk('a');
    const b = stand.disk('b');
    const port = await stand.create(`${TWO} 2 handle_errors keep_log`);
    for (const events of [1, 3]) {
      b.fail(Status.Io, { op: WRITE, times: 1 });
      await port.write(20, sector(7));
      expect(await stand.events()).toBe(events);
      await again(stand);
    }
  });

  it('to flush does not, for nobody knows what it holds', async () => {
    const stand = new Stand();
    const a = stand.disk('a');
    const b = stand.disk('b');
    const port = await stand.create(TWO);
    b.fail(Status.Io, { op: BioOp.Flush, times: 1 });
    await port.flush();
    b.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    expect(await stand.status()).toBe('7/8 1 AD 1 core');
    await again(stand);
    expect(await stand.status()).toBe('8/8 1 AD 1 core');
    a.hold();
    const read = port.read(0, 1);
    await stand.settle();
    const behind = port.read(0, 1);
    await stand.settle();
    expect(a.held).toHaveLength(2);
    a.release();
    await Promise.all([read, behind]);
  });
});

describe('the progress of a resync', () => {
  it('says that it does not go on where a leg takes no copy and nobody handles that', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b');
    b.fail(Status.Io, { op: WRITE, times: 1 });
    await stand.create('core 1 16 2 chaos:a 0 chaos:b 0');
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expect((await stand.engine.progress('x'))[0]).toMatchObject({ done: 112, failure: 'a copy has failed' });
  });

  it('is no failure as long as it goes on', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b', { fill: 1 });
    const port = await stand.create(TWO);
    b.fail(Status.Io, { op: WRITE, times: 1 });
    await port.write(20, sector(7));
    await stand.engine.suspend('x');
    b.hold();
    await stand.engine.resume('x');
    await stand.settle();
    expect((await stand.engine.progress('x'))[0]!.failure).toBeUndefined();
    b.release();
    await stand.settle();
    expect((await stand.engine.progress('x'))[0]).toMatchObject({ done: SECTORS });
  });

  it('is none in a read-only table', async () => {
    const stand = new Stand();
    stand.disk('a');
    stand.disk('b');
    const table = `0 ${String(SECTORS)} mirror core 1 16 2 chaos:a 0 chaos:b 0`;
    await stand.engine.create('x', { table, readOnly: true });
    expect(await stand.engine.progress('x')).toEqual([]);
  });
});

describe('a discard of many regions', () => {
  it('does not wait for the end of the resync', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    b.hold(({ op }) => op === WRITE);
    const port = await stand.create('core 1 4 2 chaos:a 0 chaos:b 0');
    let ended = false;
    const discard = port.discard(0, SECTORS).then(() => (ended = true));
    for (let copies = 0; copies < 5; copies++) {
      await stand.settle();
      b.releaseOne();
    }
    await stand.settle();
    expect(ended).toBe(true);
    b.release();
    await discard;
    await stand.settle();
    expect(await stand.status()).toBe('32/32 1 AA 1 core');
    expectSame(a, b);
  });
});

describe('a mirror that is lost while its log is written', () => {
  it('goes when that is over, so that nobody who uses the log next is overtaken', async () => {
    const stand = new Stand();
    stand.disk('a');
    stand.disk('b');
    const log = stand.disk('log');
    const port = await stand.create('disk 3 chaos:log 16 nosync 2 chaos:a 0 chaos:b 0');
    await port.write(20, sector(7));
    log.hold();
    for (let period = 0; period < 3; period++) {
      stand.clock.advance(2500);
      await stand.settle();
    }
    expect(log.held).toHaveLength(1);
    let gone = false;
    const yanking = stand.engine.yank('x').then(() => (gone = true));
    await stand.settle();
    expect(gone).toBe(false);
    log.release();
    await stand.wait(yanking);
  });
});

describe('a region', () => {
  it('is not smaller than a block of a leg', async () => {
    const stand = new Stand();
    stand.disk('a');
    stand.disk('b', { limits: { logicalBlock: 4096 } });
    await expect(stand.create('core 1 4 2 chaos:a 0 chaos:b 0')).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('regions of 4 sectors are no whole blocks of 4096 bytes'),
    });
    const port = await stand.create('core 1 8 2 chaos:a 0 chaos:b 0');
    await port.write(8, sector(7, 16));
    expect(await port.read(16, 8)).toEqual(sector(7, 8));
  });
});

describe('a leg that hangs while it is copied to', () => {
  it('lets no suspend come to its end, and stops nothing else', async () => {
    const stand = new Stand();
    const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b')];
    b.hold();
    const port = await stand.create('core 1 16 2 chaos:a 0 chaos:b 0');
    await expect(stand.wait(stand.engine.suspend('x'))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const table = `0 ${String(SECTORS)} mirror ${TWO}`;
    await stand.engine.load('x', table);
    await expect(stand.wait(stand.engine.resume('x'))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const edits = [{ kind: 'reload', device: 'x', table }] as const;
    await expect(stand.wait(stand.engine.transaction(edits))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await port.write(100, sector(7));
    b.release();
    await stand.settle();
    expect(await stand.status()).toBe('8/8 1 AA 1 core');
    expectSame(a, b);
  });

  it('does not hold up who takes the mirror away', async () => {
    const stand = new Stand();
    stand.disk('a', { fill: 1 });
    const b = stand.disk('b');
    b.hold();
    await stand.create('core 1 16 2 chaos:a 0 chaos:b 0');
    await stand.wait(stand.engine.yank('x'));
    await stand.wait(stand.engine.yank('chaos:b'));
  });
});
