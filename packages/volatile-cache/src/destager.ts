import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  plug,
  type Port,
  SECTOR_SIZE,
  Status,
  unplug,
} from '@interposer/core';
import type { CacheRecord } from './record.ts';
import type { Segment, SegmentIndex } from './segment-index.ts';

/** Bios on their way below at a time. The runs of an index do not overlap, so their order does not matter. */
const WINDOW = 32;

/** Writes the runs of an index to the device below, one index at a time. */
export class Destager {
  readonly #port: Port;
  #isRunning = false;
  #done: (status: Status) => void = ignore;
  /** What is to be sent next. */
  #next: Segment | null = null;
  #inFlight = 0;
  #status: Status = Status.Ok;
  #isPumping = false;

  constructor(port: Port) {
    this.#port = port;
  }

  /**
   * Writes all runs; `done` gets the first failure, or Ok. It may run before this returns. The index and the records must stay
   * as they are until then.
   */
  start(index: SegmentIndex, done: (status: Status) => void): void {
    this.#isRunning = true;
    this.#done = done;
    this.#next = index.first;
    this.#status = Status.Ok;
    this.#pump();
  }

  /** Sends nothing more; what is on its way comes back before `done` runs, with an I/O error. */
  stop(): void {
    if (this.#status === Status.Ok) this.#status = Status.Io;
  }

  /** Starts what may be written now. Also called when a write ends, which may be while it runs. */
  #pump(): void {
    if (this.#isPumping || !this.#isRunning) return;
    this.#isPumping = true;
    // At the end of a burst many may come back at once, and make room for the next.
    while (this.#mayStart) {
      plug();
      while (this.#mayStart) {
        const segment = this.#next!;
        this.#next = segment.next;
        this.#submit(segment);
      }
      unplug();
    }
    this.#isPumping = false;
    if (this.#inFlight > 0) return;
    this.#isRunning = false;
    this.#done(this.#status);
  }

  get #mayStart(): boolean {
    return this.#inFlight < WINDOW && this.#status === Status.Ok && this.#next !== null;
  }

  #submit({ start, end, record: owner }: Segment): void {
    const record = owner!;
    const bio = bioPool.get();
    bio.op = record.op;
    bio.flags = record.flags & BioFlag.NoUnmap;
    bio.sector = start;
    bio.count = end - start;
    if (record.op === BioOp.Write) {
      bio.buffer = record.data!;
      bio.bufferOffset = (start - record.sector) * SECTOR_SIZE;
    }
    bio.tag = record;
    bio.end = this.#onWritten;
    this.#inFlight++;
    this.#port.submit(bio);
  }

  readonly #onWritten = (bio: Bio): void => {
    const { status } = bio;
    if (status === Status.Ok) (bio.tag as CacheRecord).landed = true;
    else if (this.#status === Status.Ok) this.#status = status;
    bioPool.put(bio);
    this.#inFlight--;
    this.#pump();
  };
}

function ignore(): void {
  // Nothing was started.
}
