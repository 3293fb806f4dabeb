import { setImmediate } from 'node:timers/promises';
import type { VirtualClock } from './tools/virtual-clock.ts';

/** Virtual milliseconds that a request or control operation may take. */
const VIRTUAL_LIMIT = 5000;

/** Real milliseconds behind that, for what no clock of ours drives: a module that is loaded, a thread, a file. */
const GRACE = 1000;

/** Waits for promises without waiting for ever: what hangs is a failure that says so. */
export class Patience {
  readonly #clock: VirtualClock | null;
  readonly #limit: number;

  /** With a virtual clock time passes, a millisecond a turn of the event loop, only while somebody waits. Without: real milliseconds. */
  constructor(clock: VirtualClock | null, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** The promise's result. Throws when it does not settle in time; `stuck` then says what it hangs on. */
  async wait<T>(promise: Promise<T>, stuck: () => string): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await Promise.resolve();
    if (this.#clock === null) return this.#race(promise, this.#limit, stuck);
    for (let turn = 0; !settled; turn++) {
      if (turn > VIRTUAL_LIMIT) return this.#race(promise, GRACE, stuck);
      await setImmediate();
      // Read through a function: the flag changes while the loop waits.
      if (!isSet(() => settled)) this.#clock.advance(1);
    }
    return promise;
  }

  /** Lets everything that is under way go on for a while. */
  async pass(milliseconds: number): Promise<void> {
    for (let i = 0; i < milliseconds; i++) {
      await setImmediate();
      this.#clock?.advance(1);
    }
  }

  #race<T>(promise: Promise<T>, limit: number, stuck: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const watchdog = setTimeout(() => {
        reject(new Error(`did not end in ${String(limit)} ms: ${stuck()}`));
      }, limit);
      promise.then(resolve, reject).finally(() => {
        clearTimeout(watchdog);
      });
    });
  }
}

function isSet(flag: () => boolean): boolean {
  return flag();
}
