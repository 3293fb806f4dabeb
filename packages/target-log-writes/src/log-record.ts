import type { PooledBuffer } from '@interposer/core';

/** A write, discard, flush or mark on its way into the log. */
export class LogRecord {
  /** What `LogRecords.at` finds it by. */
  readonly number: number;
  /** Bits of `LogFlag`. */
  flags = 0;
  /** Place and length on the logged device, in sectors. */
  sector = 0;
  count = 0;
  /** A copy of what was written; it may be written again above before it is logged. */
  data: PooledBuffer | null = null;
  /** A mark's. */
  text: Uint8Array | null = null;
  /** Of a flush: the records that were complete when it was sent. */
  readonly covered: RecordQueue = new RecordQueue();
  /** What describes it in the log, while it is written there. */
  header: PooledBuffer | null = null;
  /** Its writes to the log that have not ended. */
  pending = 0;
  next: LogRecord | null = null;

  constructor(number: number) {
    this.number = number;
  }
}

/** Records in the order they came. A record is in one queue at a time. */
export class RecordQueue {
  #head: LogRecord | null = null;
  #tail: LogRecord | null = null;

  get isEmpty(): boolean {
    return this.#head === null;
  }

  push(record: LogRecord): void {
    if (this.#tail === null) this.#head = record;
    else this.#tail.next = record;
    this.#tail = record;
  }

  /** Takes the first out; null if there is none. */
  shift(): LogRecord | null {
    const record = this.#head;
    if (record === null) return null;
    this.#head = record.next;
    if (this.#head === null) this.#tail = null;
    record.next = null;
    return record;
  }

  /** Takes all out of another queue, behind those that are here. */
  takeAll(other: RecordQueue): void {
    if (other.#head === null) return;
    if (this.#tail === null) this.#head = other.#head;
    else this.#tail.next = other.#head;
    this.#tail = other.#tail;
    other.#head = null;
    other.#tail = null;
  }
}

/** All records there are, to be used again: after a while nothing is allocated for a request. */
export class LogRecords {
  readonly #all: LogRecord[] = [];
  readonly #free: LogRecord[] = [];

  /** An empty one. */
  get(): LogRecord {
    const record = this.#free.pop();
    if (record !== undefined) return record;
    const made = new LogRecord(this.#all.length);
    this.#all.push(made);
    return made;
  }

  at(number: number): LogRecord {
    return this.#all[number]!;
  }

  /** Takes one back that is in no queue and has given up its buffers. */
  put(record: LogRecord): void {
    record.flags = 0;
    record.sector = 0;
    record.count = 0;
    this.#free.push(record);
  }
}
