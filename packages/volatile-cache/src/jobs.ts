import type { Bio, Status } from '@interposer/core';

/** `flush`: write below and flush. `evict`: write below. `supersede`: send a write below over what is cached. */
export type JobKind = 'flush' | 'evict' | 'supersede';

/** Something to be done on the device below. Used again for the next. */
export class Job {
  kind: JobKind = 'flush';
  /** How far in the order of arrival it goes; of a `supersede` its own place. */
  place = 0;
  /** Who waits for it. */
  bio: Bio | null = null;
  done: ((status: Status) => void) | null = null;
  next: Job | null = null;
}

/** Jobs in the order they came. */
export class JobQueue {
  #head: Job | null = null;
  #tail: Job | null = null;
  #unused: Job | null = null;

  get isEmpty(): boolean {
    return this.#head === null;
  }

  add(kind: JobKind, place: number): Job {
    const job = this.#unused ?? new Job();
    this.#unused = job.next;
    job.kind = kind;
    job.place = place;
    job.next = null;
    if (this.#tail === null) this.#head = job;
    else this.#tail.next = job;
    this.#tail = job;
    return job;
  }

  /** Takes the first one out. */
  shift(): Job | null {
    const job = this.#head;
    if (job === null) return null;
    this.#head = job.next;
    if (this.#head === null) this.#tail = null;
    job.next = null;
    return job;
  }

  /** A job that is done with. */
  recycle(job: Job): void {
    job.bio = null;
    job.done = null;
    job.next = this.#unused;
    this.#unused = job;
  }

  /** Nobody waits for the bios of the jobs any more. */
  forgetBios(): void {
    for (let job = this.#head; job !== null; job = job.next) job.bio = null;
  }
}
