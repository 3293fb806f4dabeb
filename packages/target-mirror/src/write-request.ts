import { type Bio, Status } from '@interposer/core';

/** The region of a request that has no place: a flush. */
export const NO_REGION = -1;

/** A write, discard or flush on its way through the mirror. Used again and again; in one queue at a time. */
export class WriteRequest {
  bio: Bio | null = null;
  /** The regions it lies in; `NO_REGION` for a flush. */
  firstRegion: number = NO_REGION;
  lastRegion: number = NO_REGION;
  /** Whether it went to all legs, or to the default one alone. */
  goesToAll = true;
  /** Legs that have not answered. */
  remaining = 0;
  /** A bit for each leg that failed. */
  failed = 0;
  /** What the first of them said. */
  status: Status = Status.Ok;
  next: WriteRequest | null = null;
}

/** Requests in the order they came. */
export class RequestQueue {
  #head: WriteRequest | null = null;
  #tail: WriteRequest | null = null;

  get isEmpty(): boolean {
    return this.#head === null;
  }

  push(request: WriteRequest): void {
    request.next = null;
    if (this.#tail === null) this.#head = request;
    else this.#tail.next = request;
    this.#tail = request;
  }

  /** Empties the queue and hands over one request after the other. Those that come meanwhile stay in the queue. */
  drain(take: (request: WriteRequest) => void): void {
    let request = this.#head;
    this.#head = null;
    this.#tail = null;
    while (request !== null) {
      const { next } = request;
      request.next = null;
      take(request);
      request = next;
    }
  }
}

/** Requests that are not in use, so that after a while none is made for a bio. */
export class RequestPool {
  readonly #free: WriteRequest[] = [];

  get(bio: Bio, firstRegion: number, lastRegion: number): WriteRequest {
    const request = this.#free.pop() ?? new WriteRequest();
    request.bio = bio;
    request.firstRegion = firstRegion;
    request.lastRegion = lastRegion;
    request.failed = 0;
    request.status = Status.Ok;
    return request;
  }

  put(request: WriteRequest): void {
    request.bio = null;
    this.#free.push(request);
  }
}
