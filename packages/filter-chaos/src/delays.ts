import { Alarm, type Bio, type Clock, plug, unplug } from '@interposer/core';
import { DelayHeap } from './delay-heap.ts';
import type { Held } from './held.ts';

/** Bios that go on when they are due, each at its own time. One timer, for the one due next. */
export class Delays {
  readonly #clock: Clock;
  readonly #onward: (bio: Bio) => void;
  readonly #heap = new DelayHeap();
  readonly #alarm: Alarm;

  constructor(clock: Clock, onward: (bio: Bio) => void) {
    this.#clock = clock;
    this.#onward = onward;
    this.#alarm = new Alarm(clock, () => {
      this.#sendDue();
    });
  }

  get count(): number {
    return this.#heap.length;
  }

  get all(): readonly Held[] {
    return this.#heap.all;
  }

  push(held: Held): void {
    this.#heap.push(held);
    this.#alarm.wakeAt(held.due, this.#clock.now());
  }

  /** Takes all out. */
  takeAll(): Held[] {
    const taken = [...this.#heap.all];
    this.#heap.clear();
    this.#alarm.stop();
    return taken;
  }

  #sendDue(): void {
    const now = this.#clock.now();
    plug();
    while ((this.#heap.first?.due ?? Infinity) <= now) this.#onward(this.#heap.shift().bio);
    unplug();
    const next = this.#heap.first;
    if (next !== undefined) this.#alarm.wakeAt(next.due, now);
  }
}
