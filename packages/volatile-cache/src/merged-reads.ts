import { type Bio, BioOp, bioPool, type Port, PreResult, SECTOR_SIZE, Status } from '@interposer/core';
import type { SegmentIndex } from './segment-index.ts';
import { copyOut } from './store.ts';
import type { Traffic } from './traffic.ts';

/** A read of which a part is cached. Used again for the next. */
class MergedRead {
  bio: Bio | null = null;
  /** The reads below; sent when the cached sectors are copied, for what comes back may change the cache. */
  readonly parts: Bio[] = [];
  /** Reads below that are not back. */
  pending = 0;
  status: Status = Status.Ok;
  next: MergedRead | null = null;
}

/** Answers reads from the cache, and what the cache does not have from the device below. */
export class MergedReads {
  readonly #newest: SegmentIndex;
  readonly #port: Port;
  readonly #traffic: Traffic;
  #unused: MergedRead | null = null;

  constructor(newest: SegmentIndex, port: Port, traffic: Traffic) {
    this.#newest = newest;
    this.#port = port;
    this.#traffic = traffic;
  }

  /**
   * What a filter's `pre` answers for a read of which at least one sector is cached. The cached sectors are copied at once, so
   * that it does not matter what becomes of them while the others are read.
   */
  start(bio: Bio): PreResult {
    const end = bio.sector + bio.count;
    let read: MergedRead | null = null;
    let at = bio.sector;
    for (let segment = this.#newest.firstBehind(at); segment !== null; segment = segment.next) {
      if (segment.start >= end) break;
      if (segment.start > at) this.#addPart((read ??= this.#get(bio)), at, segment.start);
      const from = Math.max(at, segment.start);
      at = Math.min(end, segment.end);
      copyOut(segment.record!, from, at, bio);
    }
    if (at < end) this.#addPart((read ??= this.#get(bio)), at, end);
    if (read !== null) {
      this.#send(read);
      return PreResult.Taken;
    }
    bio.result = Status.Ok;
    return PreResult.Complete;
  }

  #get(bio: Bio): MergedRead {
    const read = this.#unused ?? new MergedRead();
    this.#unused = read.next;
    read.bio = bio;
    read.pending = 0;
    read.status = Status.Ok;
    this.#traffic.enter();
    return read;
  }

  #addPart(read: MergedRead, start: number, end: number): void {
    const parent = read.bio!;
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = start;
    bio.count = end - start;
    bio.buffer = parent.buffer;
    bio.bufferOffset = parent.bufferOffset + (start - parent.sector) * SECTOR_SIZE;
    bio.tag = read;
    bio.end = this.#onRead;
    read.parts[read.pending++] = bio;
  }

  #send(read: MergedRead): void {
    // The last one may end the read, which may then be in use again.
    const { pending, parts } = read;
    for (let part = 0; part < pending; part++) this.#port.submit(parts[part]!);
  }

  readonly #onRead = (bio: Bio): void => {
    const read = bio.tag as MergedRead;
    if (read.status === Status.Ok) read.status = bio.status;
    bioPool.put(bio);
    this.#settle(read);
  };

  #settle(read: MergedRead): void {
    if (--read.pending > 0) return;
    const bio = read.bio!;
    const status = this.#traffic.isCut ? Status.Io : read.status;
    read.bio = null;
    read.next = this.#unused;
    this.#unused = read;
    this.#traffic.leave();
    bio.complete(status);
  }
}
