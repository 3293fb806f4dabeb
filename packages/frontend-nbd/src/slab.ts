import type { PooledBuffer } from '@interposer/core';
import type { Holdings } from './holdings.ts';
import type { Request } from './request.ts';

/** Room for what a client sends in one burst at a common queue depth: 32 writes of 4 KiB, and some. */
export const SLAB_BYTES: number = 256 * 1024;

/** With less room than this behind the data that are in use, the next read goes to another slab. */
const LEAST_ROOM = 64 * 1024;

/** A buffer into which a socket is read and in which the data of writes stay until the last of these writes has ended. */
export class Slab {
  readonly buffer: PooledBuffer;
  /** Where the data end that writes may still need. */
  used = 0;
  /** Writes whose data lie in it. */
  users = 0;
  /** A plugin that lost one of its bios may still use it: it is never used again. */
  poisoned = false;

  constructor(buffer: PooledBuffer) {
    this.buffer = buffer;
  }
}

/**
 * Gives the buffers that a connection is read into, and lends parts of them to writes, which so need no copy. A connection
 * that has not written yet has no slab of its own. Only slabs that are lent count as held, each in full.
 */
export class SlabSource {
  readonly #holdings: Holdings;
  readonly #shared: Buffer;
  #current: Slab | null = null;
  /** The part of the current slab that was given for the next read, and where in the slab it begins. */
  #window: Buffer | null = null;
  #base = 0;
  #writes = false;

  /** What comes before the first write goes into the shared buffer: it must be used or copied before the next read. */
  constructor(holdings: Holdings, shared: Buffer) {
    this.#holdings = holdings;
    this.#shared = shared;
  }

  /** Where the next bytes can go without touching what is lent. */
  window(): Buffer {
    if (!this.#writes) return this.#shared;
    let slab = this.#current;
    if (slab === null || slab.poisoned || (slab.users > 0 && SLAB_BYTES - slab.used < LEAST_ROOM)) {
      slab = this.#current = new Slab(this.#holdings.pool.get(SLAB_BYTES));
    }
    if (slab.users === 0) slab.used = 0;
    this.#base = slab.used;
    return (this.#window = slab.used === 0 ? slab.buffer : slab.buffer.subarray(slab.used));
  }

  /** Lends a write its data, which came in a buffer and end there before `end`. False: they must be copied. */
  lend(request: Request, buffer: Buffer, at: number, end: number): boolean {
    this.#writes = true;
    const slab = this.#current;
    if (slab === null || buffer !== this.#window || slab.poisoned || at + request.incoming > end)
      return false;
    if (slab.users++ === 0) this.#holdings.bytes += SLAB_BYTES;
    slab.used = this.#base + at + request.incoming;
    request.slab = slab;
    request.payload = buffer;
    request.payloadStart = at;
    return true;
  }

  /** A write whose data lie in the slab has ended. */
  release(slab: Slab): void {
    if (--slab.users > 0) return;
    this.#holdings.bytes -= SLAB_BYTES;
    if (slab !== this.#current) this.#recycle(slab);
  }

  /** The socket is not read any more. */
  close(): void {
    const slab = this.#current;
    this.#current = null;
    if (slab?.users === 0) this.#recycle(slab);
  }

  #recycle(slab: Slab): void {
    if (!slab.poisoned) this.#holdings.pool.put(slab.buffer);
  }
}
