import type { Writer } from './range-lock.ts';
import { Request, type RequestOwner } from './request.ts';

/** The requests of one connection, used again and again. */
export class RequestPool implements Writer {
  /** All that it ever had at a time, for the lock to look through. */
  readonly requests: Request[] = [];
  readonly #owner: RequestOwner;
  readonly #free: Request[] = [];

  constructor(owner: RequestOwner) {
    this.#owner = owner;
  }

  get(): Request {
    return this.#free.pop() ?? this.#make();
  }

  /** Its buffers were given back before. */
  put(request: Request): void {
    request.reset();
    this.#free.push(request);
  }

  #make(): Request {
    const request = new Request(this.#owner);
    this.requests.push(request);
    return request;
  }
}
