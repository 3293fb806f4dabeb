import { type Bio, BioOp, bioPool, BufferPool, SECTOR_SIZE, Status } from '@interposer/core';
import type { SnapshotPorts } from './store.ts';

/** Sectors that are read and written at a time, and how many pieces of one copy are under way. */
const PIECE = 2048;
const PIECES = 4;

/** Sectors of copies under way beyond which no other is to be started, and how many there may be. */
const MOST_SECTORS = 65_536;
const MOST_COPIES = 256;

/** A copy of a run of sectors from one place to another. Used again for others. */
class CopyJob {
  /** From the store to the origin. */
  isBack = false;
  /** From a sector there to the one here. */
  shift = 0;
  count = 0;
  /** The next sector to read, and the one behind the last. */
  next = 0;
  end = 0;
  pieces = 0;
  /** The first failure. */
  status: Status = Status.Ok;
  /** Whose it is, for `done`. */
  tag: unknown = null;
  done!: (tag: unknown, status: Status) => void;
}

/** Copies runs of sectors between the devices of a snapshot, in pieces. Kernel: kcopyd. */
export class Copier {
  /** Looked at for each request: they may change hands between a read and its write. */
  readonly #ports: SnapshotPorts;
  readonly #buffers = new BufferPool();
  readonly #free: CopyJob[] = [];
  #active = 0;
  /** Of all copies under way. */
  #sectors = 0;

  constructor(ports: SnapshotPorts) {
    this.#ports = ports;
  }

  /** Whether another copy may be started. */
  get hasRoom(): boolean {
    return this.#active < MOST_COPIES && this.#sectors < MOST_SECTORS;
  }

  /**
   * Copies sectors of the origin to the store, or back; `done` is called with the tag and the first failure, maybe before
   * this returns.
   */
  copy(
    isBack: boolean,
    sector: number,
    toSector: number,
    count: number,
    done: (tag: unknown, status: Status) => void,
    tag: unknown,
  ): void {
    const job = this.#free.pop() ?? new CopyJob();
    job.isBack = isBack;
    job.shift = toSector - sector;
    job.count = count;
    job.next = sector;
    job.end = sector + count;
    job.status = Status.Ok;
    job.tag = tag;
    job.done = done;
    this.#active++;
    this.#sectors += count;
    // One more than there are: the job cannot end while it is being started.
    job.pieces = 1;
    for (let i = 0; i < PIECES && job.next < job.end; i++) {
      job.pieces++;
      this.#readNext(job);
    }
    this.#leave(job);
  }

  #readNext(job: CopyJob): void {
    const bio = bioPool.get();
    bio.op = BioOp.Read;
    bio.sector = job.next;
    bio.count = Math.min(PIECE, job.end - job.next);
    bio.buffer = this.#buffers.get(bio.count * SECTOR_SIZE);
    bio.tag = job;
    bio.end = this.#onRead;
    job.next += bio.count;
    const { origin, cow } = this.#ports;
    (job.isBack ? cow : origin).submit(bio);
  }

  readonly #onRead = (read: Bio): void => {
    const job = read.tag as CopyJob;
    const { status, sector, count, buffer } = read;
    bioPool.put(read);
    if (status !== Status.Ok) {
      this.#endPiece(job, buffer, status);
      return;
    }
    const bio = bioPool.get();
    bio.op = BioOp.Write;
    bio.sector = sector + job.shift;
    bio.count = count;
    bio.buffer = buffer;
    bio.tag = job;
    bio.end = this.#onWritten;
    const { origin, cow } = this.#ports;
    (job.isBack ? origin : cow).submit(bio);
  };

  readonly #onWritten = (written: Bio): void => {
    const { status, buffer, tag } = written;
    bioPool.put(written);
    this.#endPiece(tag as CopyJob, buffer, status);
  };

  #endPiece(job: CopyJob, buffer: Uint8Array, status: Status): void {
    this.#buffers.put(buffer as Buffer);
    if (job.status === Status.Ok) job.status = status;
    if (job.status === Status.Ok && job.next < job.end) this.#readNext(job);
    else this.#leave(job);
  }

  #leave(job: CopyJob): void {
    if (--job.pieces > 0) return;
    const { done, tag, status } = job;
    this.#sectors -= job.count;
    job.tag = null;
    this.#free.push(job);
    this.#active--;
    done(tag, status);
  }
}
