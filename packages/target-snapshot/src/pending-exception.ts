import type { Bio, Holder } from '@interposer/core';

/** A chunk that is being copied out, or written whole for the first time. Used again for others. */
export class PendingException {
  /** What its list finds it by. */
  readonly index: number;
  /** The chunk of the origin, and the one of the store that takes its place. */
  chunk = 0;
  cowChunk = 0;
  /** Its data is under way, so it is too late for a write of all of it to go without a copy. */
  started = false;
  /** Its data is in the store, or never will be. */
  copied = false;
  failed = false;
  /** It holds from now on; only snapshot reads of the origin are still under way, which origin writes must not overtake. */
  drains = false;
  /** Writes to the origin that wait for it. */
  readonly originBios: Bio[] = [];
  /** Writes to the snapshot that wait for it; they know their place in the store. */
  readonly snapshotBios: Bio[] = [];
  /** Others who wait for it. */
  readonly waiters: (() => void)[] = [];
  /** The write of the whole chunk that made it, and who had that before it went down. */
  fullBio: Bio | null = null;
  holder: Holder | null = null;
  /** Link of the one queue it is in. */
  next: PendingException | null = null;

  constructor(index: number) {
    this.index = index;
  }

  /** As new, for another chunk. */
  reset(): void {
    this.started = false;
    this.copied = false;
    this.failed = false;
    this.drains = false;
    // Setting a length is slow, and mostly there is nobody.
    if (this.originBios.length > 0) this.originBios.length = 0;
    if (this.snapshotBios.length > 0) this.snapshotBios.length = 0;
    if (this.waiters.length > 0) this.waiters.length = 0;
    this.fullBio = null;
    this.holder = null;
  }
}

/** Pending exceptions in the order they came. One is in one queue at a time. */
export class ExceptionQueue {
  #head: PendingException | null = null;
  #tail: PendingException | null = null;

  /** The first one; null where there is none. */
  get head(): PendingException | null {
    return this.#head;
  }

  push(exception: PendingException): void {
    if (this.#tail === null) this.#head = exception;
    else this.#tail.next = exception;
    this.#tail = exception;
  }

  /** Takes the first out; null if there is none. */
  shift(): PendingException | null {
    const exception = this.#head;
    if (exception === null) return null;
    this.#head = exception.next;
    if (this.#head === null) this.#tail = null;
    exception.next = null;
    return exception;
  }
}
