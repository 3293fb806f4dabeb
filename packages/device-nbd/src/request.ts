import { type Bio, Status } from '@interposer/core';
import type { StatusExtent } from '@interposer/nbd-protocol';
import type { Connection } from './connection.ts';
import { ByteRanges } from './byte-ranges.ts';

/** A request of the device's own, which no bio stands behind. */
export interface Task {
  /** Whether it is to be sent again when the connection broke under it; otherwise `done` is not called then. */
  readonly survives: boolean;
  /** The answer is complete; a BLOCK_STATUS tells extents, if it tells anything. */
  done(status: Status, extents?: readonly StatusExtent[]): void;
}

/** Who sends requests of the device's own. */
export interface TaskRunner {
  readonly log: (message: string) => void;
  /** `fill` says what is asked. */
  start(task: Task, fill: (request: Request) => void): void;
}

const NO_DATA = new Uint8Array(0);

/** A request and how far its answer has come. Used again and again, so that none is made for a bio. */
export class Request {
  /** The low half of its cookie: where it is in the table. */
  readonly place: number;
  /** The high half of its cookie: tells the uses of one place apart. */
  use = 0;
  /** Who gets the answer: a bio or a task. */
  bio: Bio | null = null;
  task: Task | null = null;
  command = 0;
  /** Bits of `CommandFlag`. */
  flags = 0;
  sector = 0;
  count = 0;
  buffer: Uint8Array = NO_DATA;
  bufferOffset = 0;
  /** Counts submissions, so that they can be sent again in their order. */
  order = 0;
  /** Of a flush: how many of the answered writes it covers. */
  mark = 0;
  /** Where it was sent; null while it waits. */
  connection: Connection | null = null;
  /** It is a write that was answered, and the flush behind it is under way. */
  flushing = false;
  /** The first error in its answer. */
  status: Status = Status.Ok;
  /** What the answer to a BLOCK_STATUS says. */
  extents: readonly StatusExtent[] | undefined = undefined;
  /** Bytes of the answer to a read that have come. */
  received = 0;
  /** While they come in order: where the next should begin, in bytes from the start of the request. */
  #next = 0;
  /** Once they do not: what has come. */
  #ranges: ByteRanges | null = null;

  constructor(place: number) {
    this.place = place;
  }

  get isActive(): boolean {
    return this.bio !== null || this.task !== null;
  }

  /** A part of a read has come. False if a byte of it came before, or it is scattered beyond all reason. */
  cover(start: number, end: number): boolean {
    this.received += end - start;
    if (this.#ranges === null) {
      if (start === this.#next) {
        this.#next = end;
        return true;
      }
      this.#ranges = new ByteRanges();
      if (this.#next > 0) this.#ranges.add(0, this.#next);
    }
    return this.#ranges.add(start, end);
  }

  /** Forgets what has come of an answer: it will come anew. */
  rewind(): void {
    this.connection = null;
    this.flushing = false;
    this.status = Status.Ok;
    this.received = 0;
    this.#next = 0;
    this.#ranges = null;
    this.extents = undefined;
  }

  /** For the next use. */
  reset(): void {
    this.rewind();
    this.bio = null;
    this.task = null;
    this.buffer = NO_DATA;
  }
}
