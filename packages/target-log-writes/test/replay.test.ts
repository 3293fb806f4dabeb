import { chaosDriver, memoryDriver } from '@interposer/conformance';
import { BioFlag, BioOp, createEngine, type Engine, opSet, type Port } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLog, readLogHeader, replay } from '@interposer/write-log';
import { logWrites } from '../src/index.ts';
import { sectorOf } from './bench.ts';

const SECTORS = 64;

let engine: Engine;
let log: Port;
let target: Port;
const memory = memoryDriver();
const chaos = chaosDriver();

/** A log of: a at 0, flush, mark one, B with FUA at 1, mark two, discard of 0, c at 2, end. */
beforeEach(async () => {
  memory.add('main', { sectors: SECTORS });
  memory.add('log', { sectors: 256 });
  chaos.add('target', { sectors: SECTORS, volatile: true });
  engine = createEngine({ types: [logWrites, memory, chaos] });
  await engine.create('x', { table: '0 64 log-writes memory:main memory:log' });
  await engine.write('x', 0, sectorOf('a'));
  await engine.flush('x');
  await engine.message('x', 0, ['mark', 'one']);
  const port = await engine.open('x');
  await port.write(1, sectorOf('B'), BioFlag.Fua);
  port.close();
  await engine.message('x', 0, ['mark', 'two']);
  await engine.discard('x', 0, 1);
  await engine.write('x', 2, sectorOf('c'));
  await engine.remove('x');
  log = await engine.open('memory:log');
  target = await engine.open('chaos:target');
});

afterEach(async () => {
  log.close();
  target.close();
  await engine.close();
});

/** The first bytes of the sectors of the target that are not zeroes, as letters. */
async function letters(): Promise<string> {
  const data = await target.read(0, 3);
  return [0, 1, 2].map((sector) => String.fromCharCode(data[sector * 512]! || 46)).join('');
}

describe('replay', () => {
  it.each([
    [{}, 8, '.Bc'],
    [{ until: 'one' }, 3, 'a..'],
    [{ until: 'two' }, 5, 'aB.'],
    [{ until: 'dm-log-writes-end' }, 8, '.Bc'],
    [{ until: 0 }, 0, '...'],
    [{ until: 1 }, 1, 'a..'],
    [{ until: 6 }, 6, '.B.'],
    [{ until: 100 }, 8, '.Bc'],
    [{ flushes: true }, 8, '.Bc'],
  ])('%o', async (options, entries, found) => {
    expect(await replay(log, target, options)).toBe(entries);
    expect(await letters()).toBe(found);
  });

  it('says so where there is no such mark, when all is done', async () => {
    await expect(replay(log, target, { until: 'three' })).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'the log has no mark "three"',
    });
    expect(await letters()).toBe('.Bc');
  });

  it('tells the target of flushes and FUA if it is to', async () => {
    const seen: string[] = [];
    const recorded = async (flushes: boolean): Promise<string[]> => {
      seen.length = 0;
      await replay(log, watching(target, seen), { flushes });
      return [...seen];
    };
    expect(await recorded(false)).toEqual(['write', 'write', 'zeroes', 'write', 'flush']);
    expect(await recorded(true)).toEqual(['write', 'flush', 'write fua', 'zeroes', 'write', 'flush']);
  });

  it('writes zeroes where the target has no write-zeroes', async () => {
    chaos.add('plain', { sectors: SECTORS, limits: { ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush) } });
    const plain = await engine.open('chaos:plain');
    await plain.write(0, new Uint8Array(64 * 512).fill(1));
    await replay(log, plain);
    const data = await plain.read(0, 4);
    expect([0, 1, 2, 3].map((sector) => data[sector * 512])).toEqual([0, 0x42, 0x63, 1]);
    plain.close();
  });

  it('does not take a target that is smaller', async () => {
    chaos.add('small', { sectors: 2 });
    const small = await engine.open('chaos:small');
    await expect(replay(log, small)).rejects.toMatchObject({ code: 'EINVAL' });
    small.close();
  });
});

/** The target, with a list of what it is asked for. */
function watching(port: Port, seen: string[]): Port {
  return new Proxy(port, {
    get(real, key) {
      const value: unknown = Reflect.get(real, key, real);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const fua = key === 'write' && args[2] === BioFlag.Fua ? ' fua' : '';
        seen.push(`${key === 'writeZeroes' ? 'zeroes' : String(key)}${fua}`);
        return Reflect.apply(value, real, args);
      };
    },
  });
}

describe('readLog', () => {
  async function read(): Promise<unknown[]> {
    const found: unknown[] = [];
    for await (const entry of readLog(log)) found.push(entry);
    return found;
  }

  /** Changes bytes of the log. */
  async function change(sector: number, at: number, bytes: readonly number[]): Promise<void> {
    const data = await log.read(sector, 1);
    data.set(bytes, at);
    await log.write(sector, data);
  }

  it('gives the entries with their places, flags, marks and data', async () => {
    expect(await readLogHeader(log)).toEqual({ entries: 8, blockSize: 512 });
    const data = new Uint8Array(0);
    expect(await read()).toEqual([
      { index: 0, flags: 0, sector: 0, count: 1, mark: undefined, data: Buffer.from(sectorOf('a')) },
      { index: 1, flags: 1, sector: 0, count: 0, mark: undefined, data },
      { index: 2, flags: 8, sector: 0, count: 0, mark: 'one', data },
      { index: 3, flags: 2, sector: 1, count: 1, mark: undefined, data: Buffer.from(sectorOf('B')) },
      { index: 4, flags: 8, sector: 0, count: 0, mark: 'two', data },
      { index: 5, flags: 4, sector: 0, count: 1, mark: undefined, data },
      { index: 6, flags: 0, sector: 2, count: 1, mark: undefined, data: Buffer.from(sectorOf('c')) },
      { index: 7, flags: 8, sector: 0, count: 0, mark: 'dm-log-writes-end', data },
    ]);
  });

  it.each([
    ['no log', 0, 0, [1], 'memory:log holds no log of writes'],
    ['another version', 0, 8, [2], 'memory:log holds a log of version 2; only 1 is known'],
    ['a block of 0', 0, 24, [0, 0], 'memory:log holds a log with a block of 0 bytes'],
    ['a block of 768', 0, 24, [0, 3], 'memory:log holds a log with a block of 768 bytes'],
    ['an entry too many', 0, 16, [9], 'the log is damaged: entry 8 is empty'],
    [
      'a length beyond the end',
      1,
      8,
      [0, 1],
      'the log is damaged: entry 0 goes beyond the end of the device',
    ],
    ['a length of no device', 1, 15, [1], 'the log is damaged: entry 0 has a place that no device has'],
    ['bytes behind an entry', 1, 32, [1], 'the log is damaged: entry 0 does not end where it should'],
    ['a mark too long', 4, 25, [2], 'the log is damaged: entry 2 has a text that is too long'],
  ])('refuses %s', async (_, sector, at, bytes, message) => {
    await change(sector, at, bytes);
    await expect(read()).rejects.toMatchObject({ code: 'EINVAL', message });
  });
});
