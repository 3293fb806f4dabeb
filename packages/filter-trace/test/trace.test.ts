import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BioRecord } from '../src/index.ts';
import { tempDirectory } from './temp.ts';
import { Traced } from './traced.ts';

const directory = tempDirectory();
const RECORD = 48;
/** Name `memory:disk`. */
const HEADER = 56;

let traced: Traced;
beforeEach(async () => {
  traced = await Traced.open();
});
afterEach(() => traced.close());

async function numbers(): Promise<number[]> {
  const { records } = await traced.read(directory);
  return records.map((record) => (record.kind === 'bio' ? record.number : -record.count));
}

describe('records', () => {
  it('has the times, place, result and depth of each bio, in the order in which they end', async () => {
    traced.clock.advance(5);
    await traced.attach();
    traced.clock.advance(1.5);
    traced.submit(BioOp.Write, 8, 4, BioFlag.Fua);
    traced.clock.advance(0.25);
    traced.submit(BioOp.Read, 1000, 24);
    traced.submit(BioOp.Flush);
    traced.clock.advance(2);
    traced.end(1, Status.Io);
    traced.end(1);
    traced.submit(BioOp.Discard, 0, 1024);
    traced.clock.advance(3_600_000);
    traced.end();
    traced.end();
    traced.submit(BioOp.WriteZeroes, 512, 1, BioFlag.NoUnmap);
    traced.end();
    await traced.message('flush');
    const MS = 1e6;
    const common = { kind: 'bio', flags: 0, status: 0 };
    expect((await traced.read(directory)).records).toEqual([
      {
        ...common,
        number: 2,
        time: 1.75 * MS,
        duration: 2 * MS,
        op: 0,
        sector: 1000,
        count: 24,
        status: 5,
        depth: 2,
      },
      { ...common, number: 3, time: 1.75 * MS, duration: 2 * MS, op: 2, sector: 0, count: 0, depth: 3 },
      {
        ...common,
        number: 1,
        time: 1.5 * MS,
        duration: 3_600_002.25 * MS,
        op: 1,
        flags: 1,
        sector: 8,
        count: 4,
        depth: 1,
      },
      {
        ...common,
        number: 4,
        time: 3.75 * MS,
        duration: 3_600_000 * MS,
        op: 3,
        sector: 0,
        count: 1024,
        depth: 2,
      },
      {
        ...common,
        number: 5,
        time: 3_600_003.75 * MS,
        duration: 0,
        op: 4,
        flags: 4,
        sector: 512,
        count: 1,
        depth: 1,
      },
    ]);
    expect(traced.ended).toEqual([5, 0, 0, 0, 0]);
  });

  it('has as many bios in flight as there are', async () => {
    await traced.attach();
    for (let i = 0; i < 700; i++) traced.submit(BioOp.Read, i, 1);
    while (traced.below.length > 0) traced.end(traced.below.length - 1);
    await traced.message('flush');
    const { records } = await traced.read(directory);
    const expected = Array.from({ length: 700 }, (_, i) => ({
      number: 700 - i,
      sector: 699 - i,
      depth: 700 - i,
    }));
    expect(records).toMatchObject(expected);
  });

  it('says in its header what it is about', async () => {
    const before = Date.now();
    await traced.attach('sample=7');
    const after = Date.now();
    const { header } = await traced.read(directory);
    expect(header).toMatchObject({
      version: 1,
      headerSize: HEADER,
      recordSize: RECORD,
      device: 'memory:disk',
      sectors: 1024,
      sample: 7,
    });
    expect(header.started).toBeGreaterThanOrEqual(before);
    expect(header.started).toBeLessThanOrEqual(after);
  });
});

describe('sample', () => {
  it.each([
    [1, 10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [3, 10, [1, 4, 7, 10]],
    [100, 100, [1]],
    [100, 301, [1, 101, 201, 301]],
  ])('records one in %i of %i', async (sample, bios, expected) => {
    await traced.attach(`sample=${String(sample)}`);
    traced.run(bios);
    await traced.message('flush');
    expect(await numbers()).toEqual(expected);
    expect(traced.ended.length).toBe(bios);
  });

  it('counts bios in flight that are not recorded', async () => {
    await traced.attach('sample=4');
    for (let i = 0; i < 5; i++) traced.submit();
    while (traced.below.length > 0) traced.end();
    await traced.message('flush');
    const { records } = await traced.read(directory);
    expect(records.map((record) => (record as BioRecord).depth)).toEqual([1, 5]);
  });
});

describe('max', () => {
  it('ends the file, and nothing else', async () => {
    await traced.attach('max=64K');
    traced.run(2000);
    await traced.detach();
    const room = Math.floor((65536 - HEADER) / RECORD);
    expect(traced.file.bytes.length).toBe(HEADER + room * RECORD);
    expect((await numbers()).at(-1)).toBe(room);
    expect(traced.ended).toEqual(new Array(2000).fill(0));
  });

  it('shows, and cannot be started again', async () => {
    await traced.attach('max=64K');
    traced.run(2000);
    await traced.message('flush');
    expect(await traced.status()).toBe('full records=1364 dropped=0 bytes=65528');
    await expect(traced.message('start')).rejects.toMatchObject({ code: 'EINVAL' });
    await traced.message('stop');
    expect(await traced.status()).toBe('full records=1364 dropped=0 bytes=65528');
  });
});

describe('messages', () => {
  it('stop and start, with bios counted all the while', async () => {
    await traced.attach();
    traced.run(2);
    traced.holds = true;
    traced.submit();
    await traced.message('stop');
    expect(await traced.status()).toBe('stopped records=2 dropped=0 bytes=152');
    traced.end();
    traced.run(5);
    await traced.message('start');
    traced.run(1);
    await traced.detach();
    expect(await numbers()).toEqual([1, 2, 9]);
  });

  it.each([['now'], ['flush', 'now'], ['']])('are refused if unknown: %s', async (...words) => {
    await traced.attach();
    await expect(traced.message(...words)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('flush, stop, start'),
    });
  });
});
