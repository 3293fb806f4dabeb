import { type Bio, BioOp, BufferPool, type PooledBuffer, SECTOR_SIZE } from '@interposer/core';

/** Bytes of the capacity that a record without data takes, and a range that is known to be newer below. */
export const RANGE_COST = 512;

/** The smallest buffer of the pool. */
const SMALLEST = 4096;
const HIGHEST_BIT = 2 ** 31;

/** One write, discard or write-zeroes that was acknowledged and that no flush covered yet. */
export class CacheRecord {
  op: BioOp = BioOp.Write;
  flags = 0;
  sector = 0;
  count = 0;
  /** Its place in the order of arrival. */
  seq = 0;
  /** The data of a write, from the first byte on. */
  data: PooledBuffer | null = null;
  /** Bytes of the capacity that it takes. */
  cost = 0;
  /** A part of it is on the device below already, so that it cannot be lost any more. */
  landed = false;
  next: CacheRecord | null = null;

  /** The first sector behind it. */
  get end(): number {
    return this.sector + this.count;
  }
}

/** Bytes of the capacity that a bio would take: the size of its buffer, for the buffer is what takes room. */
export function costOf({ op, count }: Bio): number {
  if (op !== BioOp.Write) return RANGE_COST;
  const bytes = count * SECTOR_SIZE;
  return bytes <= SMALLEST ? SMALLEST : 2 * (HIGHEST_BIT >>> Math.clz32(bytes - 1));
}

/** Records in the order they arrived. Records and buffers that are done with are used again. */
export class RecordList {
  /** The oldest. */
  head: CacheRecord | null = null;
  count = 0;
  /** Bytes of the capacity that all of them take. */
  cost = 0;
  #tail: CacheRecord | null = null;
  #unused: CacheRecord | null = null;
  readonly #buffers: BufferPool = new BufferPool();

  /** Takes down what a bio asks for, with a copy of its data. */
  append(bio: Bio, seq: number): CacheRecord {
    const record = this.#unused ?? new CacheRecord();
    this.#unused = record.next;
    record.op = bio.op;
    record.flags = bio.flags;
    record.sector = bio.sector;
    record.count = bio.count;
    record.seq = seq;
    record.cost = costOf(bio);
    record.landed = false;
    record.next = null;
    if (bio.op === BioOp.Write) record.data = this.#copyOf(bio);
    if (this.#tail === null) this.head = record;
    else this.#tail.next = record;
    this.#tail = record;
    this.count++;
    this.cost += record.cost;
    return record;
  }

  /** Forgets the oldest records, up to a place in the order of arrival. Nobody may be reading their data. */
  dropUpTo(seq: number): void {
    let record = this.head;
    while (record !== null && record.seq <= seq) {
      const { next } = record;
      this.#recycle(record);
      record = next;
    }
    this.head = record;
    if (record === null) this.#tail = null;
  }

  /** Forgets all records while the device below may still be reading their data, so none of their buffers is used again. */
  abandon(): void {
    this.head = null;
    this.#tail = null;
    this.count = 0;
    this.cost = 0;
  }

  #recycle(record: CacheRecord): void {
    this.count--;
    this.cost -= record.cost;
    if (record.data !== null) this.#buffers.put(record.data);
    record.data = null;
    record.next = this.#unused;
    this.#unused = record;
  }

  #copyOf({ buffer, bufferOffset, count }: Bio): PooledBuffer {
    const bytes = count * SECTOR_SIZE;
    const copy = this.#buffers.get(bytes);
    // `Buffer.copy` needs no view of the part.
    if (Buffer.isBuffer(buffer)) buffer.copy(copy, 0, bufferOffset, bufferOffset + bytes);
    else copy.set(bytes === buffer.length ? buffer : buffer.subarray(bufferOffset, bufferOffset + bytes));
    return copy;
  }
}
