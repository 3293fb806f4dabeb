import { fail } from '@interposer/core';
import type { CipherJob, JobDone } from './cipher-pool.ts';
import type { Order } from './cipher-thread.ts';
import type { DmCipher } from './dm-cipher.ts';
import type { EvpContext } from './evp-context.ts';
import type { Evp } from './evp.ts';
import { IvTable } from './iv-table.ts';
import type { SliceQueue } from './slice-queue.ts';

/** Bytes per sector in the table of IVs. */
const MOST_IV = 16;

/** A job in the hands of a thread, and what it needs meanwhile. Used again for later jobs. */
export class Task {
  readonly #evp: Evp;
  #ivs: IvTable = new IvTable(0);
  #context: EvpContext | undefined;
  #cipher: DmCipher | undefined;
  #job: CipherJob | undefined;
  #done: JobDone | undefined;

  constructor(evp: Evp) {
    this.#evp = evp;
  }

  /** False if the cipher is not for threads. The job was checked. */
  begin(job: CipherJob, cipher: DmCipher, done: JobDone): boolean {
    const context = cipher.lease(job.encrypting);
    if (context === undefined) return false;
    try {
      const sectors = job.bytes / cipher.sectorSize;
      if (this.#ivs.bytes.length < sectors * MOST_IV) this.#ivs = new IvTable(sectors * MOST_IV);
      cipher.fillIvs(this.#ivs, job.sector, sectors);
    } catch (error) {
      cipher.giveBack(context, job.encrypting);
      throw error;
    }
    this.#context = context;
    this.#cipher = cipher;
    this.#job = job;
    this.#done = done;
    return true;
  }

  /** What the thread is told. The task keeps the memory alive that the addresses are of. */
  order(id: number): Order {
    const { from, fromOffset, to, toOffset, bytes } = this.#job!;
    const { sources, destinations } = this.#evp;
    const cipher = this.#cipher!;
    return {
      id,
      context: this.#context!.address,
      from: sources.of(from, fromOffset),
      to: destinations.of(to, toOffset),
      sectors: bytes / cipher.sectorSize,
      sectorSize: cipher.sectorSize,
      ivs: sources.of(this.#ivs.bytes, 0),
      ivSize: cipher.spec.ivSize,
    };
  }

  end(error: Error | undefined): void {
    const job = this.#job!;
    const done = this.#done!;
    this.#forget();
    done(error, job);
  }

  /** The thread is gone. What is left of the data in place nobody knows; else another can do it from the start. */
  lose(others: SliceQueue): void {
    const job = this.#job!;
    const done = this.#done!;
    this.#forget();
    if (job.from.buffer !== job.to.buffer) others.add(job, done);
    else done(fail('EIO', 'a thread of the pool of ciphers ended'), job);
  }

  #forget(): void {
    this.#cipher!.giveBack(this.#context!, this.#job!.encrypting);
    this.#context = this.#cipher = this.#job = this.#done = undefined;
  }
}
