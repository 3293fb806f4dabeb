import { type Bio, type Clock, plug, type Timer, unplug } from '@interposer/core';
import { DelayHeap } from './delay-heap.ts';
import type { Held } from './held.ts';

/** What a difference of two times may be wrong by, in milliseconds. */
const ROUNDING = 0.001;

/** Bios that go on when they are due, each at its own time. One timer, for the one due next. */
export class Delays {
  readonly #clock: Clock;
  readonly #onward: (bio: Bio) => void;
  readonly #heap = new DelayHeap();
  #timer: Timer | null = null;
  /** When the timer runs out, if there is one. */
  #timerDue = 0;

  constructor(clock: Clock, onward: (bio: Bio) => void) {
    this.#clock = clock;
    this.#onward = onward;
  }

  get count(): number {
    return this.#heap.length;
  }

  get all(): readonly Held[] {
    return this.#heap.all;
  }

  push(held: Held): void {
    this.#heap.push(held);
    this.#wakeAt(held.due, this.#clock.now());
  }

  /** Takes all out. */
  takeAll(): Held[] {
    const taken = [...this.#heap.all];
    this.#heap.clear();
    this.#timer?.cancel();
    this.#timer = null;
    return taken;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    const now = this.#clock.now();
    plug();
    while ((this.#heap.first?.due ?? Infinity) <= now) this.#onward(this.#heap.shift().bio);
    unplug();
    const next = this.#heap.first;
    if (next !== undefined) this.#wakeAt(next.due, now);
  };

  #wakeAt(due: number, now: number): void {
    if (this.#timer !== null) {
      if (this.#timerDue <= due) return;
      this.#timer.cancel();
    }
    this.#timerDue = due;
    // Timers count whole milliseconds and may be early: rounded up, and never so short that waiting is a loop.
    const wait = Math.max(1, Math.ceil(due - now - ROUNDING));
    this.#timer = this.#clock.after(wait, this.#onTimer);
  }
}
