import { Request } from './request.ts';

/** Of a smaller range than 32 bits, so that the number needs no box. */
const USES = 2 ** 30;

/** The requests that are under way or wait, found by their cookies. */
export class RequestTable {
  readonly #requests: Request[] = [];
  readonly #free: Request[] = [];
  #order = 0;

  /** A request for its user to fill in; `release` it when its answer was given. */
  take(): Request {
    const request = this.#free.pop() ?? this.#grow();
    request.order = this.#order++;
    return request;
  }

  /** Gives the request a cookie that no answer had before. */
  renew(request: Request): void {
    request.use = (request.use + 1) % USES;
  }

  /** The request with that cookie; null if there is none under way. */
  find(place: number, use: number): Request | null {
    if (place >= this.#requests.length) return null;
    const request = this.#requests[place]!;
    return request.isActive && request.use === use ? request : null;
  }

  release(request: Request): void {
    request.reset();
    this.#free.push(request);
  }

  /** Those under way and those that wait, in the order of their submission. */
  active(): Request[] {
    return this.#requests.filter((request) => request.isActive).sort((a, b) => a.order - b.order);
  }

  #grow(): Request {
    const request = new Request(this.#requests.length);
    this.#requests.push(request);
    return request;
  }
}
