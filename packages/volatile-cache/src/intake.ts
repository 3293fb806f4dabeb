import { type Bio, BioFlag, hasOp, type Port, PreResult, Status } from '@interposer/core';
import { costOf } from './record.ts';
import type { Store } from './store.ts';
import type { Traffic } from './traffic.ts';
import type { Worker } from './worker.ts';

/** The part of the capacity that is made free at a time, so that not each write must wait for the device below. */
const EVICTED_SHARE = 1 / 4;

/** Where writes, discards and write-zeroes go: into the cache, past it, or, while it is full, in a queue. */
export class Intake {
  /** In bytes. Records that are there already may stay when it becomes less. */
  capacity: number;
  /** Nothing more is cached: the cache is to become empty, and stay so. */
  isClosed = false;
  readonly #port: Port;
  readonly #store: Store;
  readonly #worker: Worker;
  readonly #traffic: Traffic;
  /** In the order they came; none of them is acknowledged. */
  readonly #waiting: Bio[] = [];
  /** Room is being made for those that wait. */
  #isEvicting = false;

  constructor(port: Port, store: Store, worker: Worker, traffic: Traffic, capacity: number) {
    this.#port = port;
    this.#store = store;
    this.#worker = worker;
    this.#traffic = traffic;
    this.capacity = capacity;
  }

  /** What `pre` answers for a write, which is to be cached if that can be. */
  take(bio: Bio): PreResult {
    if (!this.#mayCache(bio)) return this.goPast(bio);
    if (this.#waiting.length === 0 && this.#hasRoomFor(bio)) {
      this.#store.take(bio);
      bio.result = Status.Ok;
      return PreResult.Complete;
    }
    this.#waiting.push(bio);
    this.#makeRoom();
    return PreResult.Taken;
  }

  /** What `pre` answers for a write that is not to be cached. */
  goPast(bio: Bio): PreResult {
    if (!this.#store.has(bio)) return this.#traffic.pass();
    this.#worker.supersede(bio);
    return PreResult.Taken;
  }

  /** There is room, or there cannot be any. */
  evicted(status: Status): void {
    this.#isEvicting = false;
    if (status === Status.Ok) this.#admit();
    else this.fail(status);
  }

  /** Fails those that wait now; others may come meanwhile. */
  fail(status: Status): void {
    for (let left = this.#waiting.length; left > 0; left--) this.#waiting.shift()?.complete(status);
  }

  /** The cache is empty. */
  reset(): void {
    this.#isEvicting = false;
  }

  /** Forgets those that wait: others have completed them. */
  abandon(): void {
    this.#waiting.length = 0;
  }

  /** What the device below would refuse it is to refuse at once, and FUA means below. */
  #mayCache(bio: Bio): boolean {
    return (
      (bio.flags & BioFlag.Fua) === 0 &&
      hasOp(this.#port.limits.ops, bio.op) &&
      costOf(bio) <= this.capacity &&
      !this.isClosed
    );
  }

  #hasRoomFor(bio: Bio): boolean {
    return this.#store.used + costOf(bio) <= this.capacity;
  }

  #makeRoom(): void {
    if (this.#isEvicting) return;
    this.#isEvicting = true;
    const missing = this.#store.used + costOf(this.#waiting[0]!) - this.capacity;
    this.#worker.evict(this.#store.lastOfOldest(Math.max(missing, this.capacity * EVICTED_SHARE)));
  }

  /** Takes in those that wait, as far as there is room. */
  #admit(): void {
    for (let bio = this.#waiting[0]; bio !== undefined; bio = this.#waiting[0]) {
      const mayCache = this.#mayCache(bio);
      if (mayCache && !this.#hasRoomFor(bio)) {
        this.#makeRoom();
        return;
      }
      this.#waiting.shift();
      if (mayCache) {
        this.#store.take(bio);
        bio.complete(Status.Ok);
      } else if (this.#store.has(bio)) {
        this.#worker.supersede(bio);
      } else {
        this.#traffic.send(bio);
      }
    }
  }
}
