import { fstat } from 'node:fs';
import type { Clock, Timer } from '@interposer/core';

/** Milliseconds between two looks. A notification service would tell of each write, too. */
const INTERVAL = 1000;

/**
 * Looks from time to time whether an open file still has a name. One that was deleted takes writes as before, but all of it
 * goes when it is closed: nobody should take what it acknowledges for safe.
 */
export class DeletionWatch {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #deleted: () => void;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(fd: number, clock: Clock, deleted: () => void) {
    this.#fd = fd;
    this.#clock = clock;
    this.#deleted = deleted;
    this.#wait();
  }

  /** Before the descriptor is closed. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer = this.#clock.after(INTERVAL, () => {
      fstat(this.#fd, (error, stats) => {
        if (this.#stopped) return;
        if (error === null && stats.nlink === 0) this.#deleted();
        else this.#wait();
      });
    });
  }
}
