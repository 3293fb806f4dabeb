import { REQUEST_BYTES } from '@interposer/nbd-protocol';
import type { Request } from './request.ts';

/** From this size on data of a write are read from the socket to where they belong, without a copy. */
const SMALLEST_DIRECT = 64 * 1024;

/** Who makes something of what comes in. */
export interface RequestTaker {
  /** No further header is taken now. */
  readonly blocked: boolean;
  /** No further byte is of interest. */
  readonly ending: boolean;
  /** A request header. The answer is a request whose data follow, or null. */
  begin(buffer: Buffer, at: number): Request | null;
  /** The data of the request have come. */
  start(request: Request): void;
}

/** Cuts what comes from a client into requests. Data of writes go to the payload of the request, or nowhere if it has none. */
export class RequestIntake {
  readonly #taker: RequestTaker;
  /** A header that came in pieces. */
  readonly #header: Buffer = Buffer.alloc(REQUEST_BYTES);
  #headerBytes = 0;
  /** The write whose data are coming. */
  #incoming: Request | null = null;
  /** The rest of its payload, while the socket reads into that. */
  #window: Buffer | null = null;

  constructor(taker: RequestTaker) {
    this.#taker = taker;
  }

  /** Takes bytes from the client; answers where it stopped, which is before `end` only when blocked. */
  receive(buffer: Buffer, start: number, end: number): number {
    const taker = this.#taker;
    let at = start;
    while (at < end) {
      if (taker.ending) return end;
      if (this.#incoming !== null) at = this.#receiveData(this.#incoming, buffer, at, end);
      else if (taker.blocked) return at;
      else if (this.#headerBytes === 0 && end - at >= REQUEST_BYTES) {
        this.#incoming = taker.begin(buffer, at);
        at += REQUEST_BYTES;
      } else at = this.#gatherHeader(buffer, at, end);
    }
    return at;
  }

  /** Where the next bytes from the socket should go: the rest of a large write's data, or null for anywhere. */
  window(): Buffer | null {
    this.#window = null;
    const request = this.#incoming;
    if (request === null || request.length - request.received < SMALLEST_DIRECT) return null;
    const { payload, payloadStart, received, length } = request;
    if (payload !== null) this.#window = payload.subarray(payloadStart + received, payloadStart + length);
    return this.#window;
  }

  /** Whether bytes that came in this buffer came into the window. */
  isWindow(buffer: Buffer): boolean {
    return this.#window === buffer;
  }

  /** So many bytes came into the window. */
  receivedInWindow(bytes: number): void {
    if (this.#incoming !== null) this.#advance(this.#incoming, bytes);
  }

  /** The client will not send the rest of a request: whose it is, if there is one. */
  drop(): Request | null {
    const request = this.#incoming;
    this.#incoming = null;
    return request;
  }

  #gatherHeader(buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(REQUEST_BYTES - this.#headerBytes, end - start);
    buffer.copy(this.#header, this.#headerBytes, start, start + bytes);
    this.#headerBytes += bytes;
    if (this.#headerBytes === REQUEST_BYTES) {
      this.#headerBytes = 0;
      this.#incoming = this.#taker.begin(this.#header, 0);
    }
    return start + bytes;
  }

  #receiveData(request: Request, buffer: Buffer, start: number, end: number): number {
    const bytes = Math.min(request.length - request.received, end - start);
    const to = request.payloadStart + request.received;
    if (request.payload !== null) buffer.copy(request.payload, to, start, start + bytes);
    this.#advance(request, bytes);
    return start + bytes;
  }

  #advance(request: Request, bytes: number): void {
    request.received += bytes;
    if (request.received < request.length) return;
    this.#incoming = null;
    this.#taker.start(request);
  }
}
