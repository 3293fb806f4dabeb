import { type FileHandle, open } from 'node:fs/promises';
import { type BioOp, fail, fromSystemError, OP_COUNT } from '@interposer/core';
import {
  FIXED_HEADER_SIZE,
  getUint64,
  hasMagic,
  HeaderField,
  RECORD_SIZE,
  RecordField,
  RecordKind,
  type TraceHeader,
  VERSION,
} from './format.ts';

/** A bio that was recorded. Times are nanoseconds. */
export interface BioRecord {
  readonly kind: 'bio';
  /** Which bio it was since the trace began, from 1, those that were not recorded included. */
  readonly number: number;
  /** From the start of the trace to its arrival at the filter. */
  readonly time: number;
  /** From its arrival to its completion. */
  readonly duration: number;
  readonly op: BioOp;
  /** Bits of `BioFlag`. */
  readonly flags: number;
  readonly sector: number;
  /** In sectors; 0 for a flush. */
  readonly count: number;
  /** As `bio.status`: an errno, 0 for success. */
  readonly status: number;
  /** Bios inside the device when it came, itself included. */
  readonly depth: number;
}

/** A gap: bios that ended while the file was too slow to take their records. Times are nanoseconds. */
export interface DroppedRecord {
  readonly kind: 'dropped';
  /** From the start of the trace to the end of the first of them. */
  readonly time: number;
  /** From there to the end of the last of them. */
  readonly duration: number;
  /** How many. */
  readonly count: number;
}

/** One record of a trace. They stand in the order in which the bios ended. */
export type TraceRecord = BioRecord | DroppedRecord;

/** A trace file, opened for reading. */
export interface Trace {
  readonly header: TraceHeader;
  /** Bytes of a record at the end that is not whole: the writer was cut off, or is still at it. */
  readonly partialBytes: number;
  /**
   * Its whole records, each time from the first. Throws EILSEQ at a record of no known kind, and what the operating system
   * says.
   */
  records(): AsyncGenerator<TraceRecord, void, undefined>;
}

/** Records that are read at a time. */
const CHUNK_RECORDS = 4096;

/** Reads the header of a trace. EINVAL for what is no trace, ENOTSUP for another version, and what the operating system says. */
export async function readTrace(path: string): Promise<Trace> {
  const file = await openForReading(path);
  try {
    const header = await readHeader(file, path);
    const { size } = await file.stat();
    return {
      header,
      partialBytes: Math.max(0, size - header.headerSize) % header.recordSize,
      records: () => readRecords(path, header),
    };
  } finally {
    await file.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

async function readHeader(file: FileHandle, path: string): Promise<TraceHeader> {
  const fixed = await readAt(file, path, FIXED_HEADER_SIZE, 0);
  if (!hasMagic(fixed)) throw fail('EINVAL', `${path} is no trace: it does not begin as one`);
  if (fixed.length < FIXED_HEADER_SIZE) throw damaged(path);
  const view = new DataView(fixed.buffer);
  const version = view.getUint16(HeaderField.version, true);
  if (version !== VERSION) {
    throw fail(
      'ENOTSUP',
      `${path} is a trace of version ${String(version)}; version ${String(VERSION)} can be read`,
    );
  }
  const headerSize = view.getUint16(HeaderField.headerSize, true);
  const recordSize = view.getUint16(HeaderField.recordSize, true);
  const nameLength = view.getUint16(HeaderField.nameLength, true);
  const name = await readAt(file, path, nameLength, HeaderField.name);
  const isSound = headerSize >= FIXED_HEADER_SIZE + nameLength && recordSize >= RECORD_SIZE;
  if (!isSound || name.length < nameLength) throw damaged(path);
  return {
    version,
    headerSize,
    recordSize,
    device: new TextDecoder().decode(name),
    sectors: getUint64(view, HeaderField.sectors),
    started: getUint64(view, HeaderField.started),
    sample: view.getUint32(HeaderField.sample, true),
  };
}

function damaged(path: string): Error {
  return fail('EINVAL', `${path} is no trace: its header is damaged`);
}

async function* readRecords(
  path: string,
  { headerSize, recordSize }: TraceHeader,
): AsyncGenerator<TraceRecord, void, undefined> {
  const file = await openForReading(path);
  try {
    for (let position = headerSize; ;) {
      const chunk = await readAt(file, path, CHUNK_RECORDS * recordSize, position);
      const view = new DataView(chunk.buffer);
      let at = 0;
      for (; at + recordSize <= chunk.length; at += recordSize) yield decode(view, at, position, path);
      if (at === 0) return;
      position += at;
    }
  } finally {
    await file.close();
  }
}

/** So many bytes from a place in the file, fewer at its end only. */
async function readAt(
  file: FileHandle,
  path: string,
  length: number,
  position: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file
      .read(bytes, filled, length - filled, position + filled)
      .catch((error: unknown) => {
        throw fromSystemError(error, path);
      });
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function decode(view: DataView, at: number, position: number, path: string): TraceRecord {
  const kind = view.getUint8(at + RecordField.kind);
  const time = getUint64(view, at + RecordField.time);
  const duration = getUint64(view, at + RecordField.duration);
  const count = getUint64(view, at + RecordField.count);
  if (kind === RecordKind.Dropped) return { kind: 'dropped', time, duration, count };
  const op = view.getUint8(at + RecordField.op);
  if (kind !== RecordKind.Bio || op >= OP_COUNT) {
    throw fail('EILSEQ', `${path} is damaged: no record at byte ${String(position + at)}`);
  }
  return {
    kind: 'bio',
    number: getUint64(view, at + RecordField.number),
    time,
    duration,
    op: op as BioOp,
    flags: view.getUint16(at + RecordField.flags, true),
    sector: getUint64(view, at + RecordField.sector),
    count,
    status: view.getUint16(at + RecordField.status, true),
    depth: view.getUint16(at + RecordField.depth, true),
  };
}
