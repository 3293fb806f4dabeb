import type { Request } from './request.ts';
import type { SlabSource } from './slab.ts';

/** From this size on the rest of a write's data is read from the socket to where it belongs, without a copy. */
const SMALLEST_DIRECT = 64 * 1024;

/** Who makes something of what comes in. */
export interface RequestTaker {
  /** No further header is taken now. */
  readonly blocked: boolean;
  /** No further byte is of interest. */
  readonly ending: boolean;
  /** A request header. The answer is a request whose data follow, or null. */
  begin(buffer: Buffer, at: number): Request | null;
  /** Whether the data of the write may be used where they came in. */
  mayBorrow(request: Request): boolean;
  /** Gives the request a payload of its own, unless it is refused. */
  provide(request: Request): void;
  /** The data of the request have come. */
  start(request: Request): void;
}

/**
 * Cuts what comes from a client into requests. Data of a write that came in whole stay where they are until the write has
 * ended; others go to the payload of the request, or nowhere if it has none.
 */
export class RequestIntake {
  readonly #taker: RequestTaker;
  readonly #slabs: SlabSource;
  readonly #headBytes: number;
  /** A header that came in pieces. */
  readonly #header: Buffer;
  #headerBytes = 0;
  /** The request whose data are coming. */
  #incoming: Request | null = null;
  /** The rest of its payload, while the socket reads into that. */
  #window: Buffer | null = null;

  /** `headBytes`: the length of a request's header. */
  constructor(taker: RequestTaker, slabs: SlabSource, headBytes: number) {
    this.#taker = taker;
    this.#slabs = slabs;
    this.#headBytes = headBytes;
    this.#header = Buffer.alloc(headBytes);
  }

  /** Takes bytes from the client; answers where it stopped, which is before `end` only when blocked. */
  receive(buffer: Buffer, start: number, end: number): number {
    if (buffer === this.#window) {
      if (this.#incoming !== null) this.#advance(this.#incoming, end);
      return end;
    }
    const taker = this.#taker;
    let at = start;
    while (at < end) {
      if (taker.ending) return end;
      if (this.#incoming !== null) at = this.#receiveData(this.#incoming, buffer, at, end);
      else if (taker.blocked) return at;
      else if (this.#headerBytes === 0 && end - at >= this.#headBytes) {
        at = this.#begin(buffer, at, end);
      } else at = this.#gatherHeader(buffer, at, end);
    }
    return at;
  }

  /** Where the next bytes from the socket should go: of a large write's data the rest, where it belongs. */
  window(): Buffer {
    this.#window = null;
    const request = this.#incoming;
    if (request === null) return this.#slabs.window();
    const { payload, payloadStart, received, incoming } = request;
    if (payload === null || incoming - received < SMALLEST_DIRECT) return this.#slabs.window();
    return (this.#window = payload.subarray(payloadStart + received, payloadStart + incoming));
  }

  /** The client will not send the rest of a request: whose it is, if there is one. */
  drop(): Request | null {
    const request = this.#incoming;
    this.#incoming = null;
    return request;
  }

  #gatherHeader(buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(this.#headBytes - this.#headerBytes, end - start);
    buffer.copy(this.#header, this.#headerBytes, start, start + bytes);
    this.#headerBytes += bytes;
    if (this.#headerBytes === this.#headBytes) {
      this.#headerBytes = 0;
      this.#begin(this.#header, 0, this.#headBytes);
    }
    return start + bytes;
  }

  /** A whole header, and behind it data, perhaps; answers how far it got. */
  #begin(buffer: Buffer, at: number, end: number): number {
    const taker = this.#taker;
    const request = taker.begin(buffer, at);
    const next = at + this.#headBytes;
    if (request === null) return next;
    if (taker.mayBorrow(request) && this.#slabs.lend(request, buffer, next, end)) {
      taker.start(request);
      return next + request.incoming;
    }
    taker.provide(request);
    this.#incoming = request;
    return next;
  }

  #receiveData(request: Request, buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(request.incoming - request.received, end - start);
    const to = request.payloadStart + request.received;
    if (request.payload !== null) buffer.copy(request.payload, to, start, start + bytes);
    this.#advance(request, bytes);
    return start + bytes;
  }

  #advance(request: Request, bytes: number): void {
    request.received += bytes;
    if (request.received < request.incoming) return;
    this.#incoming = null;
    this.#taker.start(request);
  }
}
