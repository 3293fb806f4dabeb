import {
  type Bio,
  BioOp,
  bioPool,
  type BufferPool,
  type PooledBuffer,
  Status,
  SECTOR_SIZE,
} from '@interposer/core';
import type { Legs } from './legs.ts';

/** Sectors that are copied at a time. */
const CHUNK = 1024;

/** How the copy of a region ended. */
export interface CopyResult {
  /** Nothing failed, and it was not stopped. */
  readonly done: boolean;
  /** The default leg could not be read. */
  readonly readFailed: boolean;
  /** A bit for each leg that could not be written. */
  readonly writeFailed: number;
}

/** Copies a region from the default leg to all others, a chunk at a time. Used again and again. */
export class RegionCopy {
  region = -1;
  readonly #legs: Legs;
  readonly #buffers: BufferPool;
  readonly #ended: (copy: RegionCopy, result: CopyResult) => void;
  /** With an error further chunks make sense only if errors do not count. */
  readonly #goesOn: boolean;
  readonly #ends: readonly ((child: Bio) => void)[];
  #buffer: PooledBuffer | null = null;
  #source = 0;
  #at = 0;
  #end = 0;
  #count = 0;
  #remaining = 0;
  #writeFailed = 0;
  #isStopped = false;
  /** Chunks may end at once, one inside the other: then a loop takes them up. */
  #isLooping = false;
  #hasNext = false;

  constructor(
    legs: Legs,
    buffers: BufferPool,
    goesOn: boolean,
    ended: (copy: RegionCopy, result: CopyResult) => void,
  ) {
    this.#legs = legs;
    this.#buffers = buffers;
    this.#goesOn = goesOn;
    this.#ended = ended;
    this.#ends = legs.all.map((_, leg) => (child: Bio) => {
      this.#onWritten(child, leg);
    });
  }

  /** Sectors count from the start of the row. */
  start(region: number, first: number, count: number): void {
    this.region = region;
    this.#source = this.#legs.first;
    this.#at = first;
    this.#end = first + count;
    this.#writeFailed = 0;
    this.#isStopped = false;
    this.#buffer = this.#buffers.get(Math.min(count, CHUNK) * SECTOR_SIZE);
    this.#next();
  }

  /** What is under way ends; nothing more is sent. */
  stop(): void {
    this.#isStopped = true;
  }

  #next(): void {
    this.#hasNext = true;
    if (this.#isLooping) return;
    this.#isLooping = true;
    while (this.#hasNext) {
      this.#hasNext = false;
      this.#readChunk();
    }
    this.#isLooping = false;
  }

  #readChunk(): void {
    if (this.#at >= this.#end || this.#isStopped || (this.#writeFailed !== 0 && !this.#goesOn)) {
      this.#finish(false);
      return;
    }
    this.#count = Math.min(CHUNK, this.#end - this.#at);
    this.#submit(BioOp.Read, this.#source, this.#onRead);
  }

  readonly #onRead = (child: Bio): void => {
    const { status } = child;
    bioPool.put(child);
    if (status !== Status.Ok || this.#isStopped) {
      this.#finish(status !== Status.Ok);
      return;
    }
    const { length } = this.#legs.all;
    this.#remaining = length - 1;
    for (let leg = 0; leg < length; leg++) {
      if (leg !== this.#source) this.#submit(BioOp.Write, leg, this.#ends[leg]!);
    }
  };

  #onWritten(child: Bio, leg: number): void {
    const { status } = child;
    bioPool.put(child);
    if (status !== Status.Ok) this.#writeFailed |= 1 << leg;
    if (--this.#remaining > 0) return;
    this.#at += this.#count;
    this.#next();
  }

  #submit(op: BioOp, leg: number, end: (child: Bio) => void): void {
    const { port, offset } = this.#legs.all[leg]!;
    const child = bioPool.get();
    child.op = op;
    child.sector = offset + this.#at;
    child.count = this.#count;
    child.buffer = this.#buffer!;
    child.end = end;
    port.submit(child);
  }

  #finish(readFailed: boolean): void {
    this.#buffers.put(this.#buffer!);
    this.#buffer = null;
    const done = this.#at >= this.#end && !readFailed && this.#writeFailed === 0;
    this.#ended(this, { done, readFailed, writeFailed: this.#writeFailed });
  }
}
