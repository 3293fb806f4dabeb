/** A started timer. */
export interface Timer {
  /** The callback will not run; without effect if it has. */
  cancel(): void;
}

/** Time as the engine sees it, so that tests can replace it by a virtual one. */
export interface Clock {
  /** Milliseconds since some fixed moment; never steps back. */
  now(): number;
  /** Calls back once after so many milliseconds. */
  after(milliseconds: number, callback: () => void): Timer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  // Not performance.now(): that call cannot be inlined, so each would make a boxed number for its answer.
  now: () => {
    const time = process.hrtime();
    return time[0] * 1e3 + time[1] / 1e6;
  },
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
