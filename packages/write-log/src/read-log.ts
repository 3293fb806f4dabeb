import { fail, type InterposerError, type Port, SECTOR_SIZE } from '@interposer/core';
import { ENTRY_SIZE, HEADER_SIZE, LogFlag, MAGIC, VERSION } from './format.ts';

/** What is known of a log as a whole. */
export interface LogHeader {
  /** How many entries it counts. */
  readonly entries: number;
  /** Bytes of its block: the logical block of the device that was logged. */
  readonly blockSize: number;
}

/** An entry of a log. */
export interface LogEntry {
  /** Its number, from 0. */
  readonly index: number;
  /** Bits of `LogFlag`; 0 for a plain write. */
  readonly flags: number;
  /** Place and length on the logged device, in sectors of 512 bytes; 0 and 0 for flushes and marks. */
  readonly sector: number;
  readonly count: number;
  /** The text of a mark; undefined where it is none. */
  readonly mark: string | undefined;
  /** What was written: `count` sectors, or nothing where the entry has no data. */
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The header of a log. EINVAL where there is none, or one of another version. */
export async function readLogHeader(log: Port): Promise<LogHeader> {
  const block = log.limits.logicalBlock / SECTOR_SIZE;
  const header = Buffer.from(await log.read(0, block)).subarray(0, HEADER_SIZE);
  const { name } = log.device;
  if (header.readBigUInt64LE(0) !== MAGIC) throw fail('EINVAL', `${name} holds no log of writes`);
  const version = header.readBigUInt64LE(8);
  if (version !== VERSION)
    throw fail('EINVAL', `${name} holds a log of version ${String(version)}; only 1 is known`);
  const blockSize = header.readUInt32LE(24);
  if (blockSize < SECTOR_SIZE || !Number.isInteger(Math.log2(blockSize)))
    throw fail('EINVAL', `${name} holds a log with a block of ${String(blockSize)} bytes`);
  return { entries: Number(header.readBigUInt64LE(16)), blockSize };
}

/**
 * The entries of a log, by us or by the kernel, in their order; the device is read as they are asked for. What the header does
 * not count yet is not there. EINVAL where the device holds no log, or one that is damaged.
 */
export async function* readLog(log: Port): AsyncGenerator<LogEntry> {
  const header = await readLogHeader(log);
  const block = header.blockSize / SECTOR_SIZE;
  let at = block;
  for (let index = 0; index < header.entries; index++) {
    const described = parseEntry(await readWithin(log, at, block, index), index, block);
    at += block;
    const { flags, count } = described;
    const length = (flags & LogFlag.Discard) === 0 ? count : 0;
    const data = length === 0 ? NOTHING : await readWithin(log, at, length, index);
    at += length;
    yield { ...described, data };
  }
}

/** A read that does not leave the device: a damaged entry may claim any length. */
async function readWithin(log: Port, sector: number, count: number, index: number): Promise<Buffer> {
  if (sector + count > log.limits.sectors) throw damaged(index, 'goes beyond the end of the device');
  const data = await log.read(sector, count);
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}

function parseEntry(bytes: Buffer, index: number, block: number): Omit<LogEntry, 'data'> {
  const sector = Number(bytes.readBigUInt64LE(0)) * block;
  const count = Number(bytes.readBigUInt64LE(8)) * block;
  const flags = Number(bytes.readBigUInt64LE(16));
  const textLength = Number(bytes.readBigUInt64LE(24));
  if (flags === 0 && count === 0) throw damaged(index, 'is empty');
  if (!Number.isSafeInteger(sector + count)) throw damaged(index, 'has a place that no device has');
  if ((flags & LogFlag.Mark) === 0) {
    if (bytes[ENTRY_SIZE] !== 0) throw damaged(index, 'does not end where it should');
    return { index, flags, sector, count, mark: undefined };
  }
  if (textLength > bytes.length - ENTRY_SIZE) throw damaged(index, 'has a text that is too long');
  const mark = bytes.toString('utf8', ENTRY_SIZE, ENTRY_SIZE + textLength);
  return { index, flags, sector, count, mark };
}

function damaged(index: number, what: string): InterposerError {
  return fail('EINVAL', `the log is damaged: entry ${String(index)} ${what}`);
}
