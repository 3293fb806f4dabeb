import type { Clock, Timer } from './clock.ts';

/** The longest time a timer of the machine takes, in milliseconds; a longer one is waited for in several. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What a difference of two times may be wrong by, in milliseconds. */
const ROUNDING = 0.001;

/** One timer for many things that are due, each at its own time: it runs for the one that is due next. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | null = null;
  /** When the timer runs out, if there is one. */
  #due = 0;

  /** `ring` looks what is due, and asks to be woken for what is left; it may run before anything is, after a long wait. */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at a time, given what time it is, or before it if that was asked for earlier. */
  wakeAt(due: number, now: number): void {
    if (this.#timer !== null) {
      if (this.#due <= due) return;
      this.#timer.cancel();
    }
    this.#due = due;
    // Timers count whole milliseconds and may be early: rounded up, and never so short that waiting is a loop.
    const wait = Math.max(1, Math.ceil(due - now - ROUNDING));
    this.#timer = this.#clock.after(Math.min(wait, LONGEST_TIMER), this.#onTimer);
  }

  /** Does not ring any more, until it is asked to again. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#ring();
  };
}
