import {
  type Bio,
  BioOp,
  bioPool,
  BufferPool,
  type PooledBuffer,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { History } from './history.ts';

/** So much is read at a time, in sectors. */
const PIECE = 2048;

/** A change of the device that waits until what it overwrites is kept. */
interface Job {
  readonly bio: Bio;
  readonly cached: boolean;
  readonly recorder: Recorder;
  readonly buffer: PooledBuffer;
  /** Sectors that are still to be read. */
  left: number;
}

/** What becomes of a bio that waited, and of the reads that it waited for. */
export interface Downstream {
  /** Sends on a bio that the filter has; `cached` is whether it is to stay in the volatile cache. */
  enterLater(bio: Bio, cached: boolean): void;
}

/** Reads what is about to be overwritten before it is, and keeps it in a history. */
export class Recorder {
  readonly history: History;
  readonly #port: Port;
  readonly #downstream: Downstream;
  readonly #pool = new BufferPool();

  constructor(port: Port, downstream: Downstream, history: History) {
    this.#port = port;
    this.#downstream = downstream;
    this.history = history;
  }

  /** Owns a write, discard or write-zeroes, and sends it on. */
  record(bio: Bio, cached: boolean): void {
    // What cannot be kept, because there is no room for all of it, is not known afterwards.
    const kept = Math.min(bio.count, this.#wholeBlocks(this.history.capacity));
    this.history.forget(bio.sector + kept, bio.count - kept);
    if (kept === 0) {
      this.#downstream.enterLater(bio, cached);
      return;
    }
    const buffer = this.#pool.get(Math.min(kept, PIECE) * SECTOR_SIZE);
    this.#read({ bio, cached, recorder: this, buffer, left: kept }, 0);
  }

  /** A piece has been read, or could not be. */
  readEnded(piece: Bio, job: Job): void {
    const { sector, count, status } = piece;
    bioPool.put(piece);
    if (status === Status.Ok) this.history.keep(sector, count, job.buffer);
    else this.history.forget(sector, count);
    job.left -= count;
    if (job.left > 0) {
      this.#read(job, sector + count - job.bio.sector);
      return;
    }
    this.#pool.put(job.buffer);
    this.#downstream.enterLater(job.bio, job.cached);
  }

  /** Core refuses reads that are no whole blocks of the device. */
  #wholeBlocks(sectors: number): number {
    const block = this.#port.limits.logicalBlock / SECTOR_SIZE;
    return Math.floor(sectors / block) * block;
  }

  /** As `Port.submit`, but by the way that the filter's own bios take: through its cache. */
  #read(job: Job, done: number): void {
    const piece = bioPool.get();
    piece.op = BioOp.Read;
    piece.sector = job.bio.sector + done;
    piece.count = Math.min(job.left, PIECE);
    piece.buffer = job.buffer;
    piece.tag = job;
    piece.end = endRead;
    piece.port = this.#port;
    piece.origin = this.#port.device;
    piece.holder = job.bio.holder;
    piece.status = Status.Pending;
    this.#downstream.enterLater(piece, false);
  }
}

function endRead(piece: Bio): void {
  const job = piece.tag as Job;
  job.recorder.readEnded(piece, job);
}
