import { SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import {
  ENTRY_SIZE,
  type LogEntry,
  LogFlag,
  makeHeader,
  readLog,
  readLogHeader,
  writeEntry,
} from '../src/index.ts';
import { engineWith, type Entry, full, logOf } from './logs.ts';

async function read(log: Uint8Array): Promise<LogEntry[]> {
  const { engine } = engineWith(log);
  const port = await engine.open('memory:log', { mode: 'read' });
  try {
    const entries: LogEntry[] = [];
    for await (const entry of readLog(port)) entries.push(entry);
    return entries;
  } finally {
    port.close();
    await engine.close();
  }
}

const NOTHING = new Uint8Array(0);

describe('a log', () => {
  it('begins with a magic number, a version, a count and a block size, all little-endian', () => {
    const header = makeHeader(4096);
    expect(header).toHaveLength(4096);
    // The magic number is "rhswfsj".
    expect(header.subarray(0, 32).toString('hex')).toBe(
      '7268737766736a00' + '0100000000000000' + '0000000000000000' + '0010000000000000',
    );
    expect(header.subarray(32).every((byte) => byte === 0)).toBe(true);
  });

  it('describes an entry by place, length, flags and length of the text, which follows', () => {
    const block = Buffer.alloc(1024, 0xee);
    writeEntry(block, SECTOR_SIZE, 2 ** 32 + 5, 3, LogFlag.Mark, Buffer.from('hi'));
    expect(block.subarray(0, 40).toString('hex')).toBe(
      '0500000001000000' + '0300000000000000' + '0800000000000000' + '0200000000000000' + '6869000000000000',
    );
    expect(ENTRY_SIZE).toBe(32);
    // The block behind it is another's.
    expect(block[511]).toBe(0);
    expect(block[512]).toBe(0xee);
  });

  it.each([512, 4096])('is read as it was written, with blocks of %i bytes', async (blockSize) => {
    const sectors = blockSize / SECTOR_SIZE;
    const log = logOf(blockSize, [
      { first: 3, blocks: 2, data: full(1, 2 * sectors) },
      { flags: LogFlag.Fua | LogFlag.Metadata, first: 1, blocks: 1, data: full(2, sectors) },
      { flags: LogFlag.Mark, mark: 'grün' },
      { flags: LogFlag.Mark, mark: '' },
      { flags: LogFlag.Discard, first: 2 ** 40, blocks: 2 ** 20 },
      { flags: LogFlag.Flush },
      { flags: LogFlag.Flush | LogFlag.Fua, first: 0, blocks: 1, data: full(3, sectors) },
    ]);
    expect(await read(log)).toEqual([
      {
        index: 0,
        flags: 0,
        sector: 3 * sectors,
        count: 2 * sectors,
        mark: undefined,
        data: full(1, 2 * sectors),
      },
      { index: 1, flags: 18, sector: sectors, count: sectors, mark: undefined, data: full(2, sectors) },
      { index: 2, flags: 8, sector: 0, count: 0, mark: 'grün', data: NOTHING },
      { index: 3, flags: 8, sector: 0, count: 0, mark: '', data: NOTHING },
      {
        index: 4,
        flags: 4,
        sector: 2 ** 40 * sectors,
        count: 2 ** 20 * sectors,
        mark: undefined,
        data: NOTHING,
      },
      { index: 5, flags: 1, sector: 0, count: 0, mark: undefined, data: NOTHING },
      { index: 6, flags: 3, sector: 0, count: sectors, mark: undefined, data: full(3, sectors) },
    ]);
  });

  it('has no entry that its header does not count', async () => {
    const log = logOf(512, [{ flags: LogFlag.Flush }, { flags: LogFlag.Mark, mark: 'late' }]);
    log.writeUInt8(1, 16);
    expect(await read(log)).toHaveLength(1);
    expect(await read(Buffer.concat([makeHeader(512), full(0)]))).toEqual([]);
  });

  it('lies on a device of larger blocks', async () => {
    const log = logOf(512, [{ first: 1, blocks: 1, data: full(7) }]);
    const { engine } = engineWith(Buffer.concat([log, full(0, 8)]).subarray(0, 8 * SECTOR_SIZE));
    const port = await engine.open('memory:log');
    expect(await readLogHeader(port)).toEqual({ entries: 1, blockSize: 512 });
    port.close();
    await engine.close();
  });
});

describe('a damaged log', () => {
  const entry: Entry = { first: 1, blocks: 1, data: full(7) };

  it.each<[string, number, readonly number[], string]>([
    ['is none without the magic number', 0, [0], 'memory:log holds no log of writes'],
    ['of another version is not known', 8, [2], 'memory:log holds a log of version 2; only 1 is known'],
    ['has blocks of at least a sector', 24, [0, 1], 'memory:log holds a log with a block of 256 bytes'],
    ['has blocks of a power of two', 24, [0, 6], 'memory:log holds a log with a block of 1536 bytes'],
    ['has all entries that it counts', 16, [3], 'the log is damaged: entry 2 is empty'],
    [
      'has lengths within the device',
      512 + 8,
      [60],
      'the log is damaged: entry 0 goes beyond the end of the device',
    ],
    [
      'has places that a device may have',
      512 + 6,
      [1, 1],
      'the log is damaged: entry 0 has a place that no device has',
    ],
    [
      'has nothing behind an entry',
      512 + 32,
      [1],
      'the log is damaged: entry 0 does not end where it should',
    ],
    [
      'has texts within a block',
      512 + 16,
      [8, 0, 0, 0, 0, 0, 0, 0, 225, 1],
      'the log is damaged: entry 0 has a text that is too long',
    ],
  ])('%s', async (_, at, bytes, message) => {
    const log = Buffer.concat([logOf(512, [entry, entry]), full(0, 8)]);
    log.set(bytes, at);
    await expect(read(log)).rejects.toMatchObject({ code: 'EINVAL', message });
  });

  it('gives the entries before the damage', async () => {
    const log = logOf(512, [entry, entry]);
    log.set([1], 3 * 512 + 32);
    const { engine } = engineWith(log);
    const port = await engine.open('memory:log');
    const entries = readLog(port);
    expect((await entries.next()).value).toMatchObject({ index: 0, sector: 1 });
    await expect(entries.next()).rejects.toThrow('entry 1 does not end where it should');
    port.close();
    await engine.close();
  });

  it('goes beyond the end where its device was cut', async () => {
    const log = logOf(512, [entry, entry]);
    await expect(read(log.subarray(0, log.length - 512))).rejects.toThrow(
      'entry 1 goes beyond the end of the device',
    );
    await expect(read(log.subarray(0, log.length - 1024))).rejects.toThrow('entry 1 goes beyond the end');
  });
});
