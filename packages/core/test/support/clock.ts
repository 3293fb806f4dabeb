import type { Clock, Timer } from '../../src/index.ts';

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #now = 0;
  #alarms: Alarm[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    const alarm = { at: this.#now + milliseconds, callback };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  /** Timers that have neither run nor been cancelled. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Lets time pass; alarms run in the order they are due. */
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    const due = this.#alarms.filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at);
    this.#alarms = this.#alarms.filter(({ at }) => at > this.#now);
    for (const { callback } of due) callback();
  }
}
