import type { CipherPool, TaggedCipher } from '@interposer/block-cipher';
import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  type BufferPool,
  EndResult,
  type Frame,
  type Holder,
  integrityRate,
  MapResult,
  type PooledBuffer,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { CryptPlace } from './crypt-path.ts';
import { CryptJob } from './crypt-job.ts';
import type { CryptTools } from './shared-pool.ts';
import { TagMismatch, TupleCipher } from './tuple-cipher.ts';

/** Sectors that failed and are told of: a disk that is broken everywhere has more than anybody reads. */
const MOST_REPORTS = 100;

/** A job with the tuples of its sectors. */
class TaggedJob extends CryptJob {
  readonly tuples: TupleCipher;
  tupleBuffer: PooledBuffer | null = null;

  constructor(cipher: TaggedCipher, stride: number) {
    const tuples = new TupleCipher(cipher, stride);
    super(tuples);
    this.tuples = tuples;
  }
}

/**
 * The way of data that has a tuple beside each sector: the tag that proves it, and the IV if it is random. They go down and
 * come up as the integrity data of the bios.
 */
export class TaggedPath implements Frame {
  cipher: TaggedCipher;
  readonly #begin: number;
  readonly #shift: number;
  readonly #port: Port;
  readonly #ciphers: CipherPool;
  readonly #buffers: BufferPool;
  readonly #log: (message: string) => void;
  /** Bytes that the device keeps beside each sector, and the same as bios count it. */
  readonly #stride: number;
  readonly #rate: number;
  readonly #free: TaggedJob[] = [];
  #holder: Holder | null = null;
  #reports = 0;

  constructor(
    place: CryptPlace,
    cipher: TaggedCipher,
    { ciphers, buffers }: CryptTools,
    log: (message: string) => void,
  ) {
    const { limits } = place.port;
    this.#begin = place.begin;
    this.#shift = place.offset - place.begin;
    this.#port = place.port;
    this.cipher = cipher;
    this.#ciphers = ciphers;
    this.#buffers = buffers;
    this.#log = log;
    this.#stride = limits.integrity;
    this.#rate = integrityRate(limits);
  }

  map(bio: Bio): MapResult {
    this.#holder = bio.holder;
    if (bio.op === BioOp.Write) return this.#write(bio);
    if (bio.op === BioOp.Read) {
      bio.watch(this);
      bio.integrity = this.#tupleBuffer(bio);
      bio.integrityOffset = 0;
      bio.integrityRate = this.#rate;
    }
    bio.port = this.#port;
    if (bio.op !== BioOp.Flush) bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  /** Data and tuples came. */
  endIo(bio: Bio): EndResult {
    const tuples = bio.integrity as PooledBuffer;
    // What is above has none.
    bio.integrityRate = 0;
    if (bio.status !== Status.Ok) {
      this.#buffers.put(tuples);
      return EndResult.Done;
    }
    const job = this.#jobFor(bio, tuples);
    job.encrypting = false;
    job.to = bio.buffer;
    job.toOffset = bio.bufferOffset;
    this.#ciphers.submit(job, this.#onDecrypted);
    if (!job.isDone) {
      bio.reopen();
      bio.holder = this.#holder;
      return EndResult.Incomplete;
    }
    if (job.failed) bio.status = Status.Ilseq;
    this.#put(job);
    return EndResult.Done;
  }

  readonly #onDecrypted = (error: Error | undefined, job: TaggedJob): void => {
    const bio = job.bio!;
    if (error !== undefined) this.#report(error);
    // Until `endIo` has answered, the bio is not ours to end.
    if (bio.status === Status.Ok) {
      job.isDone = true;
      job.failed = error !== undefined;
      return;
    }
    this.#put(job);
    bio.complete(error === undefined ? Status.Ok : Status.Ilseq);
  };

  #write(bio: Bio): MapResult {
    const job = this.#jobFor(bio, this.#tupleBuffer(bio));
    job.encrypting = true;
    job.buffer = this.#buffers.get(job.bytes);
    job.to = job.buffer;
    job.toOffset = 0;
    this.#ciphers.submit(job, this.#onEncrypted);
    return MapResult.Submitted;
  }

  readonly #onEncrypted = (error: Error | undefined, job: TaggedJob): void => {
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
    child.integrity = job.tupleBuffer!;
    child.integrityRate = this.#rate;
    child.tag = job;
    child.end = this.#onWritten;
    this.#port.submit(child);
  };

  readonly #onWritten = (child: Bio): void => {
    const { status } = child;
    const job = child.tag as TaggedJob;
    // Whoever was fenced with it may still read from its buffers.
    if (child.abandoned) {
      job.buffer = null;
      job.tupleBuffer = null;
    }
    bioPool.put(child);
    this.#end(job, status);
  };

  #end(job: TaggedJob, status: Status): void {
    const bio = job.bio!;
    if (job.buffer !== null) this.#buffers.put(job.buffer);
    this.#put(job);
    bio.complete(status);
  }

  #tupleBuffer({ count }: Bio): PooledBuffer {
    const bytes = ((count * SECTOR_SIZE) / this.cipher.sectorSize) * this.#stride;
    const buffer = this.#buffers.get(bytes);
    // What the cipher does not use is written too, and must not tell of other data.
    if (this.#stride !== this.cipher.tupleSize) buffer.fill(0, 0, bytes);
    return buffer;
  }

  #jobFor(bio: Bio, tuples: PooledBuffer): TaggedJob {
    const job = this.#free.pop() ?? new TaggedJob(this.cipher, this.#stride);
    job.bio = bio;
    job.bytes = bio.count * SECTOR_SIZE;
    job.sector = bio.sector - this.#begin;
    job.from = bio.buffer;
    job.fromOffset = bio.bufferOffset;
    job.isDone = false;
    job.failed = false;
    job.tupleBuffer = tuples;
    job.tuples.cipher = this.cipher;
    job.tuples.sector = job.sector;
    job.tuples.tuples = tuples;
    return job;
  }

  #put(job: TaggedJob): void {
    if (job.tupleBuffer !== null) this.#buffers.put(job.tupleBuffer);
    job.forget();
    job.tupleBuffer = null;
    this.#free.push(job);
  }

  #report(error: Error): void {
    if (!(error instanceof TagMismatch) || ++this.#reports > MOST_REPORTS) return;
    this.#log(error.message);
  }
}
