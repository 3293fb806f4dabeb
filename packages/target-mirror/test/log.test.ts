import { BioOp, Status } from '@interposer/core';
import type { ChaosDisk } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { byteAt, sector, Stand } from './stand.ts';

const { Write: WRITE, Flush: FLUSH, Read: READ } = BioOp;
/** Longer than a region stays marked. */
const LONG = 6000;

/** A mirror in sync with a log on `log`, of eight regions. */
async function clean(stand: Stand, features = '') {
  const [a, b] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 1 })];
  const log = stand.disk('log', { sectors: 8 });
  const port = await stand.create(`disk 3 chaos:log 16 nosync 2 chaos:a 0 chaos:b 0${features}`);
  return { a, b, log, port };
}

/** The bits of the regions, the first one lowest. */
function bits(log: ChaosDisk): number {
  return log.data[1024]!;
}

async function long(stand: Stand): Promise<void> {
  stand.clock.advance(LONG / 2);
  await stand.settle();
  stand.clock.advance(LONG / 2);
  await stand.settle();
}

describe('a log on disk', () => {
  it('marks a region, and flushes the mark, before anything of it is written', async () => {
    const stand = new Stand();
    const { a, b, log, port } = await clean(stand);
    log.hold();
    const write = port.write(20, sector(7));
    await stand.settle();
    expect(log.held.map(({ op }) => op)).toEqual([WRITE]);
    expect([a.arrived[WRITE], b.arrived[WRITE]]).toEqual([0, 0]);
    log.releaseOne();
    await stand.settle();
    expect(log.held.map(({ op }) => op)).toEqual([FLUSH]);
    expect(bits(log)).toBe(0b11111101);
    expect([a.arrived[WRITE], b.arrived[WRITE]]).toEqual([0, 0]);
    log.release();
    await write;
    expect([byteAt(a, 20), byteAt(b, 20)]).toEqual([7, 7]);
  });

  it('marks many regions with one write, and a marked one not again', async () => {
    const stand = new Stand();
    const { log, port } = await clean(stand);
    const before = log.arrived[WRITE]!;
    log.hold();
    const writes = [0, 16, 32, 48, 64].map((at) => port.write(at, sector(7)));
    await stand.settle();
    log.release();
    await Promise.all(writes);
    // The first one alone, and all others behind it.
    expect(log.arrived[WRITE]! - before).toBe(2);
    await Promise.all([1, 17, 33].map((at) => port.write(at, sector(8))));
    expect(log.arrived[WRITE]! - before).toBe(2);
    expect(bits(log)).toBe(0b11100000);
  });

  it('marks a region clean some seconds after its last write, when the legs are flushed', async () => {
    const stand = new Stand();
    const { a, b, log, port } = await clean(stand);
    await port.write(20, sector(7));
    stand.clock.advance(2600);
    await port.write(21, sector(7));
    stand.clock.advance(2600);
    await stand.settle();
    expect(bits(log)).toBe(0b11111101);
    const flushes = [a.arrived[FLUSH]!, b.arrived[FLUSH]!];
    b.hold();
    await long(stand);
    expect(bits(log)).toBe(0b11111101);
    b.release();
    await stand.settle();
    expect(bits(log)).toBe(0b11111111);
    expect([a.arrived[FLUSH]! - flushes[0]!, b.arrived[FLUSH]! - flushes[1]!]).toEqual([1, 1]);
  });

  it('does not call a region clean that was written while the legs were flushed', async () => {
    const stand = new Stand();
    const { b, log, port } = await clean(stand);
    await port.write(20, sector(7));
    await port.write(40, sector(7));
    b.hold(({ op }) => op === FLUSH);
    await long(stand);
    await port.write(21, sector(8));
    b.release();
    await stand.settle();
    expect(bits(log)).toBe(0b11111101);
    await long(stand);
    expect(bits(log)).toBe(0b11111111);
  });

  it('marks all clean at a suspend', async () => {
    const stand = new Stand();
    const { log, port } = await clean(stand);
    await port.write(20, sector(7));
    await stand.engine.suspend('x');
    expect(bits(log)).toBe(0b11111111);
    await stand.engine.resume('x');
    expect(await stand.status()).toBe('8/8 1 AA 3 disk A');
  });

  it('calls nothing clean after a flush of the legs failed, and resyncs all the next time', async () => {
    const stand = new Stand();
    const { a, b, log, port } = await clean(stand, ' 1 handle_errors');
    await port.write(20, sector(7));
    b.fail(Status.Io, { op: FLUSH });
    await long(stand);
    expect(bits(log)).toBe(0);
    expect(await stand.status()).toBe('8/8 1 AF 3 disk A');
    expect(await stand.events()).toBe(1);
    b.heal();
    await long(stand);
    expect(bits(log)).toBe(0);
    await stand.reload('disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0');
    await stand.settle();
    expect(a.arrived[READ]).toBe(8);
    expect(await stand.status()).toBe('8/8 1 AA 3 disk A');
  });

  it('resyncs after a crash what was marked, and nothing else', async () => {
    const stand = new Stand();
    const { a, b, log, port } = await clean(stand);
    b.hold();
    const write = port.write(20, sector(7));
    await stand.settle();
    const images = [a, b, log].map((disk) => disk.data.slice());
    b.release();
    await write;
    const after = new Stand();
    const [c, d, e] = [after.disk('a'), after.disk('b'), after.disk('log', { sectors: 8 })];
    [c, d, e].forEach((disk, index) => {
      disk.data.set(images[index]!);
    });
    expect([byteAt(c, 20), byteAt(d, 20)]).toEqual([7, 1]);
    await after.create('disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0');
    await after.settle();
    expect(await after.status()).toBe('8/8 1 AA 3 disk A');
    expect([c.arrived[READ], byteAt(d, 20)]).toEqual([1, 7]);
  });

  it('takes regions beyond those it knows for not in sync, and knows a row that became shorter', async () => {
    const stand = new Stand();
    const { a, b, log } = await clean(stand);
    await stand.engine.remove('x').catch(() => undefined);
    await stand.engine.load('x', '0 80 mirror disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0');
    await stand.engine.resume('x');
    await stand.settle();
    expect([a.arrived[READ], bits(log)]).toEqual([0, 0b11111]);
    await stand.reload('disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0');
    await stand.settle();
    expect([a.arrived[READ], b.arrived[WRITE]]).toEqual([3, 3]);
    await stand.engine.suspend('x');
    expect(bits(log)).toBe(0b11111111);
  });

  it('that fails is told once, and without handle_errors writes go on', async () => {
    const stand = new Stand();
    const { a, log, port } = await clean(stand);
    log.fail(Status.Io, { op: WRITE });
    await port.write(20, sector(7));
    await port.write(40, sector(8));
    expect(await stand.status()).toBe('8/8 1 AA 3 disk D');
    expect(await stand.events()).toBe(1);
    expect([byteAt(a, 20), byteAt(a, 40)]).toEqual([7, 8]);
  });

  it('that cannot be flushed shows F', async () => {
    const stand = new Stand();
    const { log, port } = await clean(stand);
    log.fail(Status.Io, { op: FLUSH });
    await port.write(20, sector(7));
    expect(await stand.status()).toBe('8/8 1 AA 3 disk F');
  });

  it('that fails holds writes with handle_errors until there is another table', async () => {
    const stand = new Stand();
    const { a, log, port } = await clean(stand, ' 1 handle_errors');
    log.fail(Status.Io, { op: WRITE });
    const write = port.write(20, sector(7));
    await stand.settle();
    expect(a.arrived[WRITE]).toBe(0);
    await stand.reload('core 2 16 nosync 2 chaos:a 0 chaos:b 0', true);
    await write;
    expect(byteAt(a, 20)).toBe(7);
  });

  it('that fails makes writes fail with keep_log', async () => {
    const stand = new Stand();
    const { log, port } = await clean(stand, ' 2 handle_errors keep_log');
    log.fail(Status.Io, { op: WRITE });
    await expect(port.write(20, sector(7))).rejects.toMatchObject({ code: 'EIO' });
    expect(await port.read(20, 1)).toEqual(sector(1));
  });

  it('that cannot be read means that all is copied', async () => {
    const stand = new Stand();
    const [a] = [stand.disk('a', { fill: 1 }), stand.disk('b', { fill: 2 })];
    stand.disk('log', { sectors: 8 }).fail(Status.Io, { op: READ });
    await stand.create('disk 2 chaos:log 16 2 chaos:a 0 chaos:b 0');
    await stand.settle();
    expect(a.arrived[READ]).toBe(8);
    expect(await stand.status()).toBe('8/8 1 AA 3 disk D');
  });

  it('is written in blocks of its device', async () => {
    const stand = new Stand();
    stand.disk('a');
    stand.disk('b');
    const log = stand.disk('log', { sectors: 16, limits: { logicalBlock: 4096, physicalBlock: 4096 } });
    const port = await stand.create('disk 3 chaos:log 2 nosync 2 chaos:a 0 chaos:b 0');
    await port.write(100, sector(7));
    expect(log.data[1024 + 6]).toBe(0b11111011);
  });
});
