import type { Holdings } from './holdings.ts';
import type { Request } from './request.ts';
import type { SlabSource } from './slab.ts';
import { widen } from './unaligned.ts';

/** Gives requests the buffers of their data, and takes them back. */
export class Payloads {
  readonly #holdings: Holdings;
  readonly #slabs: SlabSource;

  constructor(holdings: Holdings, slabs: SlabSource) {
    this.#holdings = holdings;
    this.#slabs = slabs;
  }

  /** A buffer of the request's own, with room for the whole blocks around its range. */
  take(request: Request, block: number): void {
    const range = widen(request.offset, request.length, block);
    request.payload = this.#holdings.take(range.bytes);
    request.payloadStart = range.head;
  }

  /** The request needs its data no more. */
  give(request: Request): void {
    const { payload, slab } = request;
    if (slab !== null) this.#slabs.release(slab);
    else if (payload !== null) this.#holdings.give(payload);
    request.slab = null;
    request.payload = null;
  }

  /** Somebody may still write into the buffer of this request, though it has ended: it is not used again. */
  forsake(request: Request): void {
    const { payload, slab } = request;
    if (slab !== null) {
      slab.poisoned = true;
      this.give(request);
      return;
    }
    if (payload === null) request.arena!.poisoned = true;
    else this.#holdings.abandon(payload);
    request.payload = null;
  }
}
