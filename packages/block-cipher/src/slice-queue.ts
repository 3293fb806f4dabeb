import { asError } from '@interposer/core';
import type { CipherJob, JobDone } from './cipher-pool.ts';

/** Bytes ciphered at a time: less than a millisecond's work even for the slowest ciphers. */
export const SLICE: number = 32 * 1024;
/** Milliseconds after which the event loop has its turn. */
const TURN = 1;

interface Entry {
  readonly job: CipherJob;
  readonly done: JobDone;
  /** Bytes that are ciphered. */
  position: number;
}

/** Jobs done in slices, one job after the other, with a turn of the event loop between slices. */
export class SliceQueue {
  readonly #entries: Entry[] = [];
  #drained: (() => void) | undefined;
  #running = false;

  add(job: CipherJob, done: JobDone): void {
    this.#entries.push({ job, done, position: 0 });
    if (!this.#running) this.#next();
  }

  /** Resolves when no job is left. */
  async drained(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  #next(): void {
    this.#running = this.#entries.length > 0;
    if (this.#running) setImmediate(() => this.#turn());
    else this.#drained?.();
  }

  #turn(): void {
    const entry = this.#entries[0]!;
    let problem: Error | undefined;
    try {
      const end = performance.now() + TURN;
      do cipherSlice(entry);
      while (entry.position < entry.job.bytes && performance.now() < end);
    } catch (error) {
      problem = asError(error);
    }
    const over = problem !== undefined || entry.position >= entry.job.bytes;
    if (over) this.#entries.shift();
    this.#next();
    if (over) entry.done(problem, entry.job);
  }
}

function cipherSlice(entry: Entry): void {
  const { cipher, encrypting, from, fromOffset, to, toOffset, bytes, sector } = entry.job;
  const at = entry.position;
  const length = Math.min(SLICE, bytes - at);
  entry.position += length;
  if (encrypting) cipher.encrypt(from, fromOffset + at, to, toOffset + at, length, sector + at / 512);
  else cipher.decrypt(from, fromOffset + at, to, toOffset + at, length, sector + at / 512);
}
