import {
  type Bio,
  BioOp,
  bioPool,
  BufferPool,
  type Clock,
  codeOfErrno,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { LogFlag, makeHeader, writeCount, writeEntry } from '@interposer/write-log';
import { type LogRecord, LogRecords, RecordQueue } from './log-record.ts';

/** Entries that are being written at a time: each has its place, so their order does not matter until the header counts them. */
const WINDOW = 16;

const NOWHERE = -1;

/**
 * Writes records to the log device in the order they come, and after one with FUA, and after a mark, the header that counts
 * them. When the log is full or cannot be written it is over: records are dropped from then on. Kernel: log_writes_kthread.
 */
export class LogWriter {
  /** Where records come from, and go back to. */
  readonly records: LogRecords = new LogRecords();
  /** Where their data comes from. */
  readonly buffers: BufferPool = new BufferPool();
  readonly #port: Port;
  /** A block of the log, in bytes and in sectors. */
  readonly #blockSize: number;
  readonly #block: number;
  readonly #log: (message: string) => void;
  readonly #queue = new RecordQueue();
  readonly #header: Buffer;
  #enabled = true;
  #entries = 0;
  /** The first sector that no entry has. */
  #next: number;
  /** Entries, or a header, that are being written. */
  #inFlight = 0;
  #wantsHeader = false;
  #headerInFlight = false;
  #pumping = false;
  #whenIdle: (() => void) | null = null;

  constructor(port: Port, blockSize: number, log: (message: string) => void) {
    this.#port = port;
    this.#blockSize = blockSize;
    this.#block = blockSize / SECTOR_SIZE;
    this.#log = log;
    this.#header = makeHeader(blockSize);
    this.#next = this.#block;
  }

  /** False: the log is over, and nothing more is taken down. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** Entries so far, the last sector that they take, and whether the log is over. */
  get status(): string {
    const state = this.#enabled ? '' : ' logging_disabled';
    return `${String(this.#entries)} ${String(this.#next - 1)}${state}`;
  }

  /** Owns the record from here. */
  write(record: LogRecord): void {
    this.#queue.push(record);
    this.#pump();
  }

  /** Owns the records from here. */
  writeAll(records: RecordQueue): void {
    this.#queue.takeAll(records);
    this.#pump();
  }

  /** Resolves true when everything it has is written or dropped; false after so many milliseconds without that. */
  idle(clock: Clock, patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.after(patience, () => {
        this.#whenIdle = null;
        resolve(false);
      });
      this.#whenIdle = () => {
        timer.cancel();
        resolve(true);
      };
      this.#settle();
    });
  }

  /** Nothing more is taken down. */
  stop(): void {
    this.#enabled = false;
  }

  /** Starts what may be written now. Also called when a write ends, which may be while it runs. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#inFlight < WINDOW) {
      if (this.#wantsHeader) {
        // It counts entries, so they must be there.
        if (this.#inFlight > 0) break;
        this.#writeHeader();
        continue;
      }
      const record = this.#headerInFlight ? null : this.#queue.shift();
      if (record === null) break;
      const sector = this.#enabled ? this.#allot(record) : NOWHERE;
      if (sector === NOWHERE) this.#drop(record);
      else this.#writeRecord(record, sector);
    }
    this.#pumping = false;
    this.#settle();
  }

  #settle(): void {
    if (this.#whenIdle === null || this.#inFlight > 0 || !this.#queue.isEmpty) return;
    this.#whenIdle();
    this.#whenIdle = null;
  }

  /** Where a record goes; `NOWHERE` if the log is full. The last sector of the device is never used, as in the kernel. */
  #allot({ data, count }: LogRecord): number {
    const sector = this.#next;
    this.#next += this.#block + (data === null ? 0 : count);
    if (this.#next < this.#port.limits.sectors) {
      this.#entries++;
      return sector;
    }
    this.#end('Ran out of space on the logdev');
    return NOWHERE;
  }

  #writeRecord(record: LogRecord, at: number): void {
    const { flags, sector, count, data, text } = record;
    const header = this.buffers.get(this.#blockSize);
    writeEntry(header, this.#blockSize, sector / this.#block, count / this.#block, flags, text);
    record.header = header;
    record.pending = data === null ? 1 : 2;
    this.#inFlight++;
    this.#wantsHeader = (flags & (LogFlag.Fua | LogFlag.Mark)) !== 0;
    this.#submit(at, this.#block, header, record);
    // The record may be used again by now, if it has no data.
    if (data !== null) this.#submit(at + this.#block, count, data, record);
  }

  #writeHeader(): void {
    this.#wantsHeader = false;
    if (!this.#enabled) return;
    this.#headerInFlight = true;
    this.#inFlight++;
    writeCount(this.#header, this.#entries);
    this.#submit(0, this.#block, this.#header, null);
  }

  /** A write to the log, of a record or of the header. */
  #submit(sector: number, count: number, buffer: Uint8Array, record: LogRecord | null): void {
    const bio = bioPool.get();
    bio.op = BioOp.Write;
    bio.sector = sector;
    bio.count = count;
    bio.buffer = buffer;
    bio.tag = record;
    bio.end = this.#onWritten;
    this.#port.submit(bio);
  }

  readonly #onWritten = (bio: Bio): void => {
    const { status } = bio;
    const record = bio.tag as LogRecord | null;
    bioPool.put(bio);
    if (status !== Status.Ok && this.#enabled) this.#end(`Error writing log block: ${codeOfErrno(status)}`);
    if (record === null) this.#headerInFlight = false;
    else if (--record.pending > 0) return;
    else this.#drop(record);
    this.#inFlight--;
    this.#pump();
  };

  #end(reason: string): void {
    this.#enabled = false;
    this.#log(reason);
  }

  /** Gives a record and its buffers back. */
  #drop(record: LogRecord): void {
    if (record.data !== null) this.buffers.put(record.data);
    if (record.header !== null) this.buffers.put(record.header);
    record.data = null;
    record.header = null;
    record.text = null;
    this.records.put(record);
  }
}
