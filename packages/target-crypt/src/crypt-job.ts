import type { CipherJob, SectorCipher } from '@interposer/block-cipher';
import type { Bio, PooledBuffer } from '@interposer/core';

const NO_DATA = new Uint8Array(0);

/** A bio whose data is ciphered. Used again and again. */
export class CryptJob implements CipherJob {
  cipher: SectorCipher;
  encrypting = false;
  from: Uint8Array = NO_DATA;
  fromOffset = 0;
  to: Uint8Array = NO_DATA;
  toOffset = 0;
  bytes = 0;
  sector = 0;
  bio: Bio | null = null;
  /** Of a write: what holds the ciphertext. */
  buffer: PooledBuffer | null = null;
  /** Of a read: whether it ended before it was known to take longer. */
  isDone = false;
  failed = false;

  constructor(cipher: SectorCipher) {
    this.cipher = cipher;
  }

  /** Lets go of what it was for. */
  forget(): void {
    this.bio = null;
    this.buffer = null;
    this.from = NO_DATA;
    this.to = NO_DATA;
  }
}

/** Jobs that are not in use, so that after a while none is made for a bio. */
export class CryptJobs {
  readonly #free: CryptJob[] = [];

  get(cipher: SectorCipher, bio: Bio, bytes: number, sector: number): CryptJob {
    const job = this.#free.pop() ?? new CryptJob(cipher);
    job.cipher = cipher;
    job.bio = bio;
    job.bytes = bytes;
    job.sector = sector;
    job.from = bio.buffer;
    job.fromOffset = bio.bufferOffset;
    job.isDone = false;
    job.failed = false;
    return job;
  }

  put(job: CryptJob): void {
    job.forget();
    this.#free.push(job);
  }
}
