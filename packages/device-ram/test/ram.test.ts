import { BioFlag, createEngine, type Engine, type Port, SECTOR_SIZE } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ram } from '../src/index.ts';

const CHUNK = 128;

let engine: Engine;

beforeEach(() => {
  engine = createEngine({ types: [ram] });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await engine.close();
});

/** Sectors that say their own number. */
function stamped(sector: number, count: number): Buffer {
  const data = Buffer.alloc(count * SECTOR_SIZE);
  for (let i = 0; i < count; i++) data.fill(((sector + i) % 251) + 1, i * SECTOR_SIZE, (i + 1) * SECTOR_SIZE);
  return data;
}

function zeroes(count: number): Buffer {
  return Buffer.alloc(count * SECTOR_SIZE);
}

/** Whether the device holds these bytes from a sector on, and all of them are read anew. */
async function holds(port: Port, sector: number, data: Buffer): Promise<boolean> {
  const dirty = Buffer.alloc(data.length, 0xee);
  await port.read(sector, data.length / SECTOR_SIZE, dirty);
  return dirty.equals(data);
}

async function withPort(spec: string, use: (port: Port) => Promise<void>): Promise<void> {
  const port = await engine.open(spec);
  try {
    await use(port);
  } finally {
    port.close();
  }
}

describe('ram', () => {
  it('has the size asked for and says what it can do', () =>
    withPort('ram:3M', async ({ device }) => {
      expect(device.limits.sectors).toBe(6144);
      expect(device.limits.volatileCache).toBe(false);
      expect(device.major).toBe(1);
    }));

  it('refuses a size that is none', async () => {
    await expect(engine.open('ram:lots')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it.each([
    ['within a chunk', 3, 4],
    ['a whole chunk', CHUNK, CHUNK],
    ['over an edge of chunks', CHUNK - 1, 2],
    ['over several chunks', 5, 3 * CHUNK],
    ['over an edge of branches', 4096 * CHUNK - 2, 4],
    ['at the end', 2 ** 31 - 1, 1],
  ])('reads back what was written %s', (_, sector, count) =>
    withPort('ram:1T', async (port) => {
      await port.write(sector, stamped(sector, count));
      expect(await holds(port, sector, stamped(sector, count))).toBe(true);
      if (sector > 0) expect(await holds(port, sector - 1, zeroes(1))).toBe(true);
      if (sector + count < 2 ** 31) expect(await holds(port, sector + count, zeroes(1))).toBe(true);
    }),
  );

  it('takes a window of a plain Uint8Array', () =>
    withPort('ram:1M', async (port) => {
      const window = new Uint8Array(new ArrayBuffer(8192), 1024, 1024).fill(7);
      await port.write(0, window);
      const back = new Uint8Array(new ArrayBuffer(8192), 512, 1024);
      await port.read(0, 2, back);
      expect(back).toEqual(window);
    }));

  it('costs nothing until it is written', () =>
    withPort('ram:1T', async (port) => {
      expect(await holds(port, 2 ** 30, zeroes(256))).toBe(true);
      expect(await port.extents(0, 2 ** 31)).toEqual([{ sector: 0, count: 2 ** 31, hole: true, zero: true }]);
    }));

  it('tells which chunks have memory', () =>
    withPort('ram:1T', async (port) => {
      await port.write(CHUNK + 5, stamped(0, CHUNK));
      expect(await port.extents(100, 1000)).toEqual([
        { sector: 100, count: CHUNK - 100, hole: true, zero: true },
        { sector: CHUNK, count: 2 * CHUNK, hole: false, zero: false },
        { sector: 3 * CHUNK, count: 1100 - 3 * CHUNK, hole: true, zero: true },
      ]);
    }));

  it.each(['discard', 'writeZeroes'] as const)('%s frees whole chunks and zeroes the rest', (verb) =>
    withPort('ram:1T', async (port) => {
      await port.write(0, stamped(0, 4 * CHUNK));
      await port[verb](CHUNK / 2, 2 ** 31 - CHUNK);
      expect(await holds(port, 0, stamped(0, CHUNK / 2))).toBe(true);
      expect(await holds(port, CHUNK / 2, zeroes(4 * CHUNK))).toBe(true);
      expect(await port.extents(0, 2 ** 31)).toEqual([
        { sector: 0, count: CHUNK, hole: false, zero: false },
        { sector: CHUNK, count: 2 ** 31 - CHUNK, hole: true, zero: true },
      ]);
    }),
  );

  it('keeps memory for zeroes that must stay allocated', () =>
    withPort('ram:1M', async (port) => {
      await port.write(0, stamped(0, CHUNK));
      await port.writeZeroes(1, 2 * CHUNK, BioFlag.NoUnmap);
      expect(await holds(port, 0, stamped(0, 1))).toBe(true);
      expect(await holds(port, 1, zeroes(3 * CHUNK))).toBe(true);
      expect((await port.extents(0, 2048)).map(({ count, hole }) => [count, hole])).toEqual([
        [3 * CHUNK, false],
        [2048 - 3 * CHUNK, true],
      ]);
    }));

  it('makes a device of its own for each mention', () =>
    withPort('ram:1M', (one) =>
      withPort('ram:1M', async (other) => {
        await one.write(0, stamped(0, 1));
        expect(await holds(other, 0, zeroes(1))).toBe(true);
      }),
    ));

  it('answers a write for which there is no memory with an error', () =>
    withPort('ram:1M', async (port) => {
      vi.spyOn(Buffer, 'alloc').mockImplementationOnce(() => {
        throw new RangeError('Array buffer allocation failed');
      });
      await expect(port.write(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'ENOMEM' });
      await port.write(0, stamped(0, 1));
      expect(await holds(port, 0, stamped(0, 1))).toBe(true);
    }));
});
