import type { Request } from './request.ts';

/**
 * Who is at work on which sectors, in the order they came: a read never sees the data of one write with the tags of another.
 * Kernel: add_new_range.
 */
export class Ranges {
  #first: Request | null = null;
  #last: Request | null = null;

  /** True if the request may start; else `leave` of another one will start it. */
  enter(request: Request): boolean {
    request.started = !this.#mustWait(request, this.#last);
    request.previous = this.#last;
    request.next = null;
    if (this.#last === null) this.#first = request;
    else this.#last.next = request;
    this.#last = request;
    return request.started;
  }

  /** The request is done; `start` is called for each that waited for nobody else. */
  leave(request: Request, start: (request: Request) => void): void {
    const { previous, next, begin, end } = request;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    const ready: Request[] = [];
    for (let later = next; later !== null; later = later.next) {
      const waited = !later.started && later.begin < end && begin < later.end;
      if (!waited || this.#mustWait(later, later.previous)) continue;
      later.started = true;
      ready.push(later);
    }
    // Each may be over when it returns, and used again.
    for (const later of ready) start(later);
  }

  get isEmpty(): boolean {
    return this.#first === null;
  }

  #mustWait({ begin, end, writing }: Request, earlier: Request | null): boolean {
    for (let other = earlier; other !== null; other = other.previous) {
      if (other.begin < end && begin < other.end && (writing || other.writing)) return true;
    }
    return false;
  }
}
