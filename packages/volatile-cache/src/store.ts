import { type Bio, BioOp, SECTOR_SIZE } from '@interposer/core';
import { type CacheRecord, RANGE_COST, RecordList } from './record.ts';
import { SegmentIndex } from './segment-index.ts';

/** What is in the cache: the records since the last flush, which of them is the newest where, and what is newer below. */
export class Store {
  readonly records: RecordList = new RecordList();
  /** The newest record of each cached sector: what a read sees. */
  readonly newest: SegmentIndex = new SegmentIndex();
  /** Sectors of which the device below has something newer than the records that came before it: those may not land there. */
  readonly #newerBelow: SegmentIndex = new SegmentIndex();
  #seq = 0;

  /** Bytes of the capacity that are in use. */
  get used(): number {
    return this.records.cost + this.#newerBelow.count * RANGE_COST;
  }

  get isEmpty(): boolean {
    return this.records.head === null;
  }

  /** Whether any sector of a bio is cached. */
  has({ sector, count }: Bio): boolean {
    return this.newest.overlaps(sector, sector + count);
  }

  /** The place in the order of arrival that was given last. */
  get last(): number {
    return this.#seq;
  }

  /** A place for something that arrives now and does not become a record. */
  takePlace(): number {
    return ++this.#seq;
  }

  /** Takes down a write, discard or write-zeroes. */
  take(bio: Bio): void {
    const record = this.records.append(bio, ++this.#seq);
    this.newest.insert(record.sector, record.end, record.seq, record);
  }

  /** The device below got something with that place in the order of arrival: what is older of the range is void. */
  supersede(start: number, end: number, seq: number): void {
    const { head } = this.records;
    if (head === null || head.seq > seq) return;
    this.newest.removeOlder(start, end, seq);
    this.#newerBelow.insert(start, end, seq, null);
  }

  /** Adds what is to be seen of the records up to a place in the order of arrival to an index. */
  collect(into: SegmentIndex, upTo: number): void {
    for (let record = this.records.head; record !== null && record.seq <= upTo; record = record.next)
      this.collectPart(into, record, record.sector, record.end);
  }

  /** Adds a part of a record to an index, over what is there, without the sectors that are newer below. */
  collectPart(into: SegmentIndex, record: CacheRecord, start: number, end: number): void {
    let at = start;
    for (let newer = this.#newerBelow.firstBehind(start); at < end; newer = newer?.next ?? null) {
      if (newer !== null && newer.seq < record.seq) continue;
      const until = newer === null ? end : Math.min(end, newer.start);
      if (at < until) into.insert(at, until, record.seq, record);
      at = newer === null ? end : newer.end;
    }
  }

  /** Whether all of a record is newer below. */
  isVoid(record: CacheRecord): boolean {
    let at = record.sector;
    for (
      let newer = this.#newerBelow.firstBehind(at);
      newer !== null && at < record.end;
      newer = newer.next
    ) {
      if (newer.start > at || newer.seq < record.seq) return false;
      at = newer.end;
    }
    return at >= record.end;
  }

  /** The place in the order of arrival up to which records must go so that as many bytes become free. */
  lastOfOldest(bytes: number): number {
    let sum = 0;
    for (let record = this.records.head; record !== null; record = record.next) {
      sum += record.cost;
      if (sum >= bytes || record.next === null) return record.seq;
    }
    return this.#seq;
  }

  /** The records up to a place in the order of arrival are on the device below. */
  dropUpTo(seq: number): void {
    this.newest.removeUpTo(seq);
    this.records.dropUpTo(seq);
    const { head } = this.records;
    this.#newerBelow.removeUpTo(head === null ? Infinity : head.seq);
  }

  /** Forgets everything, also what the device below may be reading from. */
  abandon(): void {
    this.newest.clear();
    this.#newerBelow.clear();
    this.records.abandon();
  }
}

/** Copies what a record says of some sectors into the window of a read, which begins at `bio.sector`. */
export function copyOut(record: CacheRecord, start: number, end: number, bio: Bio): void {
  const at = bio.bufferOffset + (start - bio.sector) * SECTOR_SIZE;
  const bytes = (end - start) * SECTOR_SIZE;
  if (record.op !== BioOp.Write) {
    bio.buffer.fill(0, at, at + bytes);
    return;
  }
  const from = (start - record.sector) * SECTOR_SIZE;
  record.data!.copy(bio.buffer, at, from, from + bytes);
}
