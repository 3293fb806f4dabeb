import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '@interposer/conformance';
import { BioFlag, BioOp, type Port, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, entriesOf, makeBench, sectorOf, send, statusOf, TABLE } from './bench.ts';

const END = '"dm-log-writes-end"';

let bench: Bench;
let port: Port;

beforeEach(async () => {
  bench = makeBench();
  await bench.engine.create('x', { table: TABLE });
  port = await bench.engine.open('x');
});

afterEach(async () => {
  port.close();
  await bench.engine.close();
});

/** Removes the device, which ends the log. */
async function logOf(): Promise<string[]> {
  port.close();
  await bench.engine.remove('x');
  return entriesOf(bench.engine);
}

describe('order', () => {
  it('is that of the ends of requests, and of the flush that was sent after them', async () => {
    const { main } = bench;
    main.hold();
    const writes = ['a', 'b', 'c'].map((letter, sector) => send(port, BioOp.Write, sector, letter));
    const [a, b, c] = main.held.splice(0);
    c!.complete(Status.Ok);
    a!.complete(Status.Ok);
    const flush = send(port, BioOp.Flush);
    const fua = send(port, BioOp.Write, 3, 'd', BioFlag.Fua);
    // Ends before the flush does, but was under way when it was sent.
    b!.complete(Status.Ok);
    main.release();
    await Promise.all([...writes, flush, fua]);
    expect(await logOf()).toEqual(['c', 'a', 'flush', 'D', 'b', END]);
  });

  it('a flush and what it covers are logged when it ends, whichever ends first', async () => {
    const { main } = bench;
    await port.write(0, sectorOf('a'));
    main.hold();
    const first = send(port, BioOp.Flush);
    const fua = send(port, BioOp.Write, 1, 'd', BioFlag.Fua);
    const second = send(port, BioOp.Flush);
    main.release('newest');
    await Promise.all([first, fua, second]);
    expect(await logOf()).toEqual(['flush', 'D', 'a', 'flush', END]);
  });

  it('is that of the kernel, which was asked the same on a disk with slow flushes', async () => {
    const { main, engine } = bench;
    main.hold(({ op, sector }) => op === BioOp.Flush || sector === 60);
    const late = send(port, BioOp.Write, 60, 'b');
    await port.write(1, sectorOf('c'));
    await port.write(0, sectorOf('a'));
    const flush = send(port, BioOp.Flush);
    await engine.message('x', 0, ['mark', 'm']);
    await port.write(2, sectorOf('d'), BioFlag.Fua);
    const another = send(port, BioOp.Flush);
    main.release();
    await Promise.all([late, flush, another]);
    expect(await logOf()).toEqual(['"m"', 'D', 'c', 'a', 'flush', 'flush', 'b', END]);
  });

  it('marks are not held back', async () => {
    await port.write(0, sectorOf('a'));
    await bench.engine.message('x', 0, ['mark', 'now']);
    await port.discard(5, 1);
    await port.write(5, sectorOf('b'));
    await port.flush();
    expect(await logOf()).toEqual(['"now"', 'a', 'discard', 'b', 'flush', END]);
  });

  it('a write that must flush first is a flush and a write', async () => {
    await port.write(0, sectorOf('a'));
    await port.write(1, sectorOf('b'), BioFlag.Preflush | BioFlag.Fua);
    expect(await logOf()).toEqual(['a', 'flush', 'B', END]);
  });
});

describe('what is logged', () => {
  it('is the data as it was sent', async () => {
    const { main } = bench;
    main.hold();
    const data = sectorOf('a');
    const write = port.write(0, data);
    data.fill(0x7a);
    main.release();
    await write;
    data.fill(0x79);
    await port.flush();
    expect(await logOf()).toEqual(['a', 'flush', END]);
  });

  it('is also what failed, as in the kernel', async () => {
    bench.main.fail(Status.Io, { times: 2 });
    await expect(port.write(0, sectorOf('a'))).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    expect(await logOf()).toEqual(['a', 'flush', END]);
  });

  it('is no read', async () => {
    await port.read(0, 8);
    await port.flush();
    expect(await logOf()).toEqual(['flush', END]);
  });

  it('is also what was under way when the device went away', async () => {
    bench.main.hold();
    const write = send(port, BioOp.Write, 0, 'a');
    await bench.engine.yank('x');
    bench.main.release();
    expect(await write).toBe(Status.Ok);
    // The device ends by itself, and the log with it.
    while (bench.engine.devices().some(({ ports }) => ports.size > 0)) await setImmediate();
    expect(await entriesOf(bench.engine)).toEqual(['a', END]);
  });
});

describe('the header', () => {
  it('counts entries that are written, and no others', async () => {
    const { log, engine } = bench;
    log.hold((bio) => bio.sector > 0);
    await port.write(0, sectorOf('a'), BioFlag.Fua);
    // The log does not hold back what it logs.
    expect(await statusOf(engine)).toBe('1 2');
    expect(log.held.map(({ sector, count }) => [sector, count])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    const copy = log.data.slice(0, 512);
    expect(copy).toEqual(new Uint8Array(512));
    log.release();
    expect(await entriesOf(engine)).toEqual(['A']);
  });

  it('is written after FUA and marks only, and at the end', async () => {
    const { engine } = bench;
    await port.write(0, sectorOf('a'));
    await port.flush();
    await expect(entriesOf(engine)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(await statusOf(engine)).toBe('2 3');
    await engine.message('x', 0, ['mark', 'm']);
    expect(await entriesOf(engine)).toEqual(['a', 'flush', '"m"']);
    await port.write(1, sectorOf('b'));
    await port.flush();
    expect(await entriesOf(engine)).toEqual(['a', 'flush', '"m"']);
    expect(await logOf()).toEqual(['a', 'flush', '"m"', 'b', 'flush', END]);
  });

  it('is complete when the device is gone, however slow the log device is', async () => {
    const { log, engine } = bench;
    for (let i = 0; i < 40; i++) await port.write(i, sectorOf('a'), i % 8 === 0 ? BioFlag.Fua : 0);
    log.hold();
    port.close();
    const removal = engine.remove('x');
    while (!log.releaseOne()) await Promise.resolve();
    log.release();
    await removal;
    expect(await entriesOf(engine)).toHaveLength(41);
  });
});

describe('a log that cannot go on', () => {
  it('a failed write ends it, and everything else goes on', async () => {
    const { engine, log, told } = bench;
    await port.write(0, sectorOf('a'), BioFlag.Fua);
    log.fail(Status.NoSpc, { times: 1 });
    await port.write(1, sectorOf('b'), BioFlag.Fua);
    expect(await statusOf(engine)).toBe('2 4 logging_disabled');
    expect(told).toEqual(['Error writing log block: ENOSPC']);
    await port.write(2, sectorOf('c'), BioFlag.Fua);
    await port.flush();
    expect(await port.read(2, 1)).toEqual(sectorOf('c'));
    expect(await logOf()).toEqual(['A']);
  });

  it('a log device that goes away ends it', async () => {
    const { engine, told } = bench;
    await engine.yank('chaos:log');
    await port.write(1, sectorOf('b'), BioFlag.Fua);
    expect(await statusOf(engine)).toBe('1 2 logging_disabled');
    expect(told).toEqual(['Error writing log block: ENODEV']);
    port.close();
    await engine.remove('x');
  });

  it('a log device that does not answer keeps nobody for ever', async () => {
    const clock = new VirtualClock();
    const { engine, log, told } = makeBench(clock);
    await engine.create('x', { table: TABLE });
    log.hold();
    const removal = engine.remove('x');
    await setImmediate();
    clock.advance(9_999);
    await setImmediate();
    expect(told).toEqual([]);
    clock.advance(1);
    await removal;
    expect(told).toEqual(['The log device does not answer: the log has no end']);
    log.release();
    await engine.close();
  });

  it('a table for reading only cannot write one', async () => {
    const { engine } = makeBench();
    await engine.create('x', { table: TABLE, readOnly: true });
    expect(await engine.read('x', 0, 1)).toEqual(new Uint8Array(512));
    await engine.remove('x');
    await engine.close();
  });
});

describe('tables', () => {
  it('one that was never in use leaves the log alone', async () => {
    const { engine } = bench;
    await port.write(0, sectorOf('a'), BioFlag.Fua);
    await engine.load('x', TABLE);
    await engine.clear('x');
    await expect(engine.load('x', '0 65 log-writes chaos:main chaos:log')).rejects.toMatchObject({
      code: 'EINVAL',
    });
    expect(await logOf()).toEqual(['A', END]);
  });

  it('a row lies on the sectors of its device that it has in the table, and the log says so', async () => {
    const { engine, main } = makeBench();
    await engine.create('x', {
      table: '0 8 log-writes chaos:fresh chaos:main\n8 8 log-writes chaos:fresh chaos:log',
    });
    await engine.write('x', 9, sectorOf('a'));
    expect(await engine.extents('x', 9, 1)).toEqual([{ sector: 9, count: 1, hole: false, zero: false }]);
    await engine.remove('x');
    expect(await entriesOf(engine)).toEqual(['a', END]);
    expect(await entriesOf(engine, 'chaos:main')).toEqual([END]);
    expect(main.data[0]).toBe(0x72);
    await engine.close();
  });
});

describe('as a filter', () => {
  it('logs what goes to a live device from its start to its end', async () => {
    const { engine, main } = makeBench();
    const live = await engine.open('chaos:main');
    const { number } = live.device;
    await live.write(0, sectorOf('a'));
    await engine.attachFilter(number, 'log-writes chaos:log');
    await live.write(1, sectorOf('b'));
    await engine.messageFilter(number, 'log-writes', ['mark', 'here']);
    const [filter] = await engine.filters(number);
    expect(filter).toMatchObject({ altitude: '100000', args: 'chaos:log', status: '1 1' });
    await engine.detachFilter(number, 'log-writes');
    await live.write(2, sectorOf('c'));
    expect(await entriesOf(engine)).toEqual(['"here"', 'b', END]);
    expect(main.data[2 * 512]).toBe('c'.charCodeAt(0));
    live.close();
    await engine.close();
  });
});
