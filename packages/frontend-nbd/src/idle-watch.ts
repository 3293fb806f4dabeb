import type { Clock, Timer } from '@interposer/core';

/** Looks per time limit: a connection is found idle up to a fifth of the limit later than it could be. */
const LOOKS = 5;

/**
 * Notices that nothing has happened for some time. Activity is marked by setting a flag, which costs nothing per request; a
 * timer looks at the flag.
 */
export class IdleWatch {
  /** Set whenever something happens. */
  active = false;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #busy: () => boolean;
  readonly #found: () => void;
  #quiet = 0;
  #timer: Timer;

  /** `found` is called once, when for so many milliseconds nothing happened and `busy` was false. */
  constructor(clock: Clock, limit: number, busy: () => boolean, found: () => void) {
    this.#clock = clock;
    this.#interval = limit / LOOKS;
    this.#busy = busy;
    this.#found = found;
    this.#timer = this.#start();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #start(): Timer {
    return this.#clock.after(this.#interval, () => this.#look());
  }

  #look(): void {
    // What was busy at this look may have become idle just before the next.
    if (this.#busy()) this.#quiet = -1;
    else this.#quiet = this.active ? 0 : this.#quiet + 1;
    this.active = false;
    if (this.#quiet >= LOOKS) this.#found();
    else this.#timer = this.#start();
  }
}
