import { availableParallelism } from 'node:os';
import { asError, fail } from '@interposer/core';
import { CipherThread } from './cipher-thread.ts';
import { DmCipher } from './dm-cipher.ts';
import { evp } from './evp.ts';
import type { SectorCipher } from './sector-cipher.ts';
import { SLICE, SliceQueue } from './slice-queue.ts';
import { Task } from './task.ts';

/** Sectors to be ciphered. It and its buffers are the pool's from `submit` until `done`; the object may be used again then. */
export interface CipherJob {
  cipher: SectorCipher;
  /** Or else decrypting. */
  encrypting: boolean;
  /** As for `SectorCipher.encrypt`. */
  from: Uint8Array;
  fromOffset: number;
  to: Uint8Array;
  toOffset: number;
  bytes: number;
  sector: number;
}

/** Takes the end of a job: an error if it failed. */
export type JobDone<Job extends CipherJob = CipherJob> = (error: Error | undefined, job: Job) => void;

/** How a pool works. */
export interface CipherPoolOptions {
  /** Threads, at most; 0 for none. Default: one less than there are processors, at most 2. */
  readonly threads?: number;
  /** Bytes from which on a job does not run at once. Default 256 KiB; at most 32 KiB for slow ciphers. */
  readonly threshold?: number;
}

const DEFAULT_THRESHOLD = 256 * 1024;
const DEFAULT_THREADS = 2;
/** Bytes that are ciphered at once in one turn of the event loop: one or two milliseconds' work for fast ciphers. */
const TURN_BYTES = 2 * 2 ** 20;

/**
 * Keeps large requests off the event loop. Threads work on the memory of the request itself, without copies, where the engine is
 * `evp` and a sector needs nothing but its IV and the cipher (cbc, ctr, AES in xts); everything else is done in slices with a turn of
 * the event loop between them. Small requests are done at once. Threads start with the first request that is for them, and do not
 * keep a process alive that waits for none.
 */
export class CipherPool {
  readonly #most: number;
  readonly #threshold: number;
  readonly #slices = new SliceQueue();
  readonly #tasks = new Map<number, Task>();
  readonly #spare: Task[] = [];
  #lastId = 0;
  #turnBytes = 0;
  #started = false;
  #starting: CipherThread[] = [];
  #threads: CipherThread[] = [];
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: CipherPoolOptions = {}) {
    const { threads = Math.min(DEFAULT_THREADS, availableParallelism() - 1), threshold = DEFAULT_THRESHOLD } =
      options;
    this.#most = threads;
    this.#threshold = threshold;
  }

  /** Does the job; `done` is called before this returns if the job is small. Jobs may end in another order than they came. */
  submit<Job extends CipherJob>(job: Job, done: JobDone<Job>): void {
    if (this.#closing) throw fail('ESHUTDOWN', 'the pool of ciphers is closed');
    const { bytes, cipher } = job;
    const isSmall = bytes <= SLICE || (!cipher.slow && this.#hasTime(bytes));
    if (bytes < this.#threshold && isSmall) runNow(job, done);
    else this.#submitLarge(job, done as JobDone);
  }

  /** A burst of requests, each of which is small, is not. */
  #hasTime(bytes: number): boolean {
    if (this.#turnBytes === 0) setImmediate(this.#nextTurn);
    this.#turnBytes += bytes;
    return this.#turnBytes <= TURN_BYTES;
  }

  readonly #nextTurn = (): void => {
    this.#turnBytes = 0;
  };

  /** Waits for the jobs under way and ends the threads. */
  close(): Promise<void> {
    return (this.#closing ??= this.#drain());
  }

  async #drain(): Promise<void> {
    if (this.#tasks.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    // What a thread that was lost left undone is among them.
    await this.#slices.drained();
    const threads = [...this.#threads, ...this.#starting];
    this.#threads = [];
    this.#starting = [];
    await Promise.all(threads.map((thread) => thread.end()));
  }

  #submitLarge(job: CipherJob, done: JobDone): void {
    let offloaded: boolean;
    try {
      // As a whole, before any of it is done.
      if (job.cipher instanceof DmCipher) job.cipher.check(job);
      offloaded = this.#offload(job, done);
    } catch (error) {
      done(asError(error), job);
      return;
    }
    if (!offloaded) this.#slices.add(job, done);
  }

  /** False if no thread can do it. */
  #offload(job: CipherJob, done: JobDone): boolean {
    const functions = this.#most > 0 ? evp() : undefined;
    if (functions === undefined || !(job.cipher instanceof DmCipher)) return false;
    if (!this.#started) this.#start(functions);
    const thread = leastBusy(this.#threads);
    if (thread === undefined) return false;
    const task = this.#spare.pop() ?? new Task(functions);
    if (!task.begin(job, job.cipher, done)) {
      this.#spare.push(task);
      return false;
    }
    const id = (this.#lastId = (this.#lastId % 2 ** 31) + 1);
    this.#tasks.set(id, task);
    thread.post(task.order(id));
    return true;
  }

  #start(functions: NonNullable<ReturnType<typeof evp>>): void {
    this.#started = true;
    const listener = {
      ready: (thread: CipherThread): void => {
        // Until then requests go in slices: a thread that cannot load the functions never has one.
        this.#starting = this.#starting.filter((other) => other !== thread);
        this.#threads.push(thread);
      },
      done: (_thread: CipherThread, id: number, good: boolean): void => this.#end(id, good),
      gone: (thread: CipherThread): void => this.#lose(thread),
    };
    try {
      for (let count = 0; count < this.#most; count++)
        this.#starting.push(new CipherThread(functions, listener));
    } catch {
      // The process has no room for one more thread: it goes without, or with those that there are.
    }
  }

  #end(id: number, good: boolean): void {
    const task = this.#tasks.get(id)!;
    this.#tasks.delete(id);
    this.#spare.push(task);
    if (this.#tasks.size === 0) this.#idle?.();
    task.end(good ? undefined : fail('EIO', 'OpenSSL failed to cipher'));
  }

  #lose(thread: CipherThread): void {
    this.#threads = this.#threads.filter((other) => other !== thread);
    this.#starting = this.#starting.filter((other) => other !== thread);
    for (const id of [...thread.orders]) {
      const task = this.#tasks.get(id);
      this.#tasks.delete(id);
      task?.lose(this.#slices);
    }
    if (this.#tasks.size === 0) this.#idle?.();
  }
}

function leastBusy(threads: readonly CipherThread[]): CipherThread | undefined {
  let found: CipherThread | undefined;
  for (const thread of threads) {
    if (found === undefined || thread.orders.size < found.orders.size) found = thread;
  }
  return found;
}

function runNow<Job extends CipherJob>(job: Job, done: JobDone<Job>): void {
  const { cipher, encrypting, from, fromOffset, to, toOffset, bytes, sector } = job;
  let problem: Error | undefined;
  try {
    if (encrypting) cipher.encrypt(from, fromOffset, to, toOffset, bytes, sector);
    else cipher.decrypt(from, fromOffset, to, toOffset, bytes, sector);
  } catch (error) {
    problem = asError(error);
  }
  done(problem, job);
}
