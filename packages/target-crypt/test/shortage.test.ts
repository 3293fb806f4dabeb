import { randomBytes } from 'node:crypto';
import { CipherPool } from '@interposer/block-cipher';
import { bioPool, BufferPool, type EngineEvent, MappedDevice, SECTOR_SIZE } from '@interposer/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { errorOf, line, makeStand, XTS } from './stand.ts';

afterEach(() => vi.restoreAllMocks());

describe('a shortage of memory', () => {
  it.each([1, 2000])('fails a write of %i sectors, and nothing else', async (count) => {
    const { engine } = makeStand();
    const faults: EngineEvent[] = [];
    engine.onEvent((event) => faults.push(event));
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    const data = randomBytes(count * SECTOR_SIZE);
    const before = Buffer.from(data);
    const outstanding = bioPool.outstanding;
    vi.spyOn(BufferPool.prototype, 'get').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect((await errorOf(port.write(0, data))).code).toBe('ENOMEM');
    expect(data.equals(before)).toBe(true);
    expect(bioPool.outstanding).toBe(outstanding);
    await port.write(0, data);
    expect(data.equals(await port.read(0, count))).toBe(true);
    expect(faults).toEqual([]);
    port.close();
  });
});

describe('a cipher that fails', () => {
  it.each([
    ['write', 1],
    ['write', 2000],
    ['read', 1],
    ['read', 2000],
  ] as const)('fails a %s of %i sectors, and nothing of it is seen', async (verb, count) => {
    const { engine, disk } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const port = await engine.open('x');
    const data = randomBytes(count * SECTOR_SIZE);
    await port.write(0, data);
    const below = Buffer.from(disk.data);
    vi.spyOn(CipherPool.prototype, 'submit').mockImplementationOnce((job, done) => {
      // Half of it is done by then.
      job.to.fill(0xee, job.toOffset, job.toOffset + job.bytes / 2);
      if (count === 1) done(new Error('it failed'), job);
      else setImmediate(() => done(new Error('it failed'), job));
    });
    const buffer = randomBytes(count * SECTOR_SIZE);
    const before = Buffer.from(buffer);
    const result = verb === 'write' ? port.write(0, buffer) : port.read(0, count, buffer);
    expect((await errorOf(result)).code).toBe('EIO');
    expect(buffer.equals(verb === 'write' ? before : Buffer.alloc(buffer.length))).toBe(true);
    expect(below.equals(disk.data)).toBe(true);
    expect(data.equals(await port.read(0, count))).toBe(true);
    port.close();
  });
});

describe('the words of a table line', () => {
  it('are let go when the table is loaded: a key stays nowhere in them', async () => {
    const { engine } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const device = engine.devices().find((one) => one instanceof MappedDevice);
    expect(device?.live?.rows.map((row) => row.line.words)).toEqual([[]]);
  });
});
