import type { CipherPool, SectorCipher } from '@interposer/block-cipher';
import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  type BufferPool,
  EndResult,
  type Frame,
  type Holder,
  MapResult,
  type PooledBuffer,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { type CryptJob, CryptJobs } from './crypt-job.ts';
import type { CryptTools } from './shared-pool.ts';

/** Where a row lies: its first sector, and the first one of the device that it uses. */
export interface CryptPlace {
  readonly begin: number;
  readonly port: Port;
  readonly offset: number;
}

/**
 * The way of data. Reads go down as they are and are decrypted in their own buffer on the way up. What is written is encrypted
 * into another buffer, for the caller's must not change, and a bio of our own takes it down.
 */
export class CryptPath implements Frame {
  cipher: SectorCipher;
  readonly #begin: number;
  /** From a sector of the table to one of the device. */
  readonly #shift: number;
  readonly #port: Port;
  readonly #ciphers: CipherPool;
  readonly #buffers: BufferPool;
  readonly #jobs: CryptJobs = new CryptJobs();
  /** Who has the bios that are here: named when a drain takes too long. */
  #holder: Holder | null = null;

  constructor(place: CryptPlace, cipher: SectorCipher, { ciphers, buffers }: CryptTools) {
    this.#begin = place.begin;
    this.#shift = place.offset - place.begin;
    this.#port = place.port;
    this.cipher = cipher;
    this.#ciphers = ciphers;
    this.#buffers = buffers;
  }

  map(bio: Bio): MapResult {
    this.#holder = bio.holder;
    if (bio.op === BioOp.Write) return this.#write(bio);
    if (bio.op === BioOp.Read) bio.watch(this);
    bio.port = this.#port;
    // A flush has no place.
    if (bio.op !== BioOp.Flush) bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  /** The data of a read came. What takes long goes on beside the event loop. */
  endIo(bio: Bio): EndResult {
    if (bio.status !== Status.Ok) return EndResult.Done;
    const job = this.#jobs.get(this.cipher, bio, bio.count * SECTOR_SIZE, bio.sector - this.#begin);
    job.encrypting = false;
    job.to = bio.buffer;
    job.toOffset = bio.bufferOffset;
    this.#ciphers.submit(job, this.#onDecrypted);
    if (!job.isDone) {
      bio.reopen();
      bio.holder = this.#holder;
      return EndResult.Incomplete;
    }
    if (job.failed) bio.status = Status.Io;
    this.#jobs.put(job);
    return EndResult.Done;
  }

  readonly #onDecrypted = (error: Error | undefined, job: CryptJob): void => {
    const bio = job.bio!;
    // Until `endIo` has answered, the bio is not ours to end.
    if (bio.status === Status.Ok) {
      job.isDone = true;
      job.failed = error !== undefined;
      return;
    }
    this.#jobs.put(job);
    bio.complete(error === undefined ? Status.Ok : Status.Io);
  };

  #write(bio: Bio): MapResult {
    const bytes = bio.count * SECTOR_SIZE;
    const buffer = this.#roomFor(bytes);
    if (buffer === null) {
      bio.complete(Status.NoMem);
      return MapResult.Submitted;
    }
    const job = this.#jobs.get(this.cipher, bio, bytes, bio.sector - this.#begin);
    job.encrypting = true;
    job.buffer = buffer;
    job.to = buffer;
    job.toOffset = 0;
    this.#ciphers.submit(job, this.#onEncrypted);
    return MapResult.Submitted;
  }

  /** A shortage of memory is no fault of this target: one write fails. */
  #roomFor(bytes: number): PooledBuffer | null {
    try {
      return this.#buffers.get(bytes);
    } catch {
      return null;
    }
  }

  readonly #onEncrypted = (error: Error | undefined, job: CryptJob): void => {
    const bio = job.bio!;
    // Core may have failed it meanwhile, for the device is lost: its data may have been anything by then.
    if (error !== undefined || bio.status !== Status.Pending) {
      this.#end(job, Status.Io);
      return;
    }
    const child = bioPool.get();
    child.op = BioOp.Write;
    child.flags = bio.flags & BioFlag.Fua;
    child.sector = bio.sector + this.#shift;
    child.count = bio.count;
    child.buffer = job.to;
    child.tag = job;
    child.end = this.#onWritten;
    this.#port.submit(child);
  };

  readonly #onWritten = (child: Bio): void => {
    const { status } = child;
    const job = child.tag as CryptJob;
    // Whoever was fenced with it may still read from its buffer.
    if (child.abandoned) job.buffer = null;
    bioPool.put(child);
    this.#end(job, status);
  };

  #end(job: CryptJob, status: Status): void {
    const bio = job.bio!;
    if (job.buffer !== null) this.#buffers.put(job.buffer);
    this.#jobs.put(job);
    bio.complete(status);
  }
}
