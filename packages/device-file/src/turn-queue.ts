type Job = (leave: () => void) => void;

/** Lets only so many jobs run at a time; the others wait in the order they came. */
export class TurnQueue {
  readonly #waiting: Job[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Runs the job now or later; it calls `leave` when it is over. */
  take(job: Job): void {
    if (this.#free === 0) {
      this.#waiting.push(job);
      return;
    }
    this.#free--;
    job(this.#leave);
  }

  readonly #leave = (): void => {
    this.#free++;
    const next = this.#waiting.shift();
    if (next !== undefined) this.take(next);
  };
}
