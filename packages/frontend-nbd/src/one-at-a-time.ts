/** Runs what it is given one after the other, in the order in which it comes. */
export class OneAtATime {
  /** Settles when all so far have ended. */
  #ended: Promise<void> = Promise.resolve();

  /** Settles as the given one does. */
  run(perform: () => Promise<void>): Promise<void> {
    const performed = this.#ended.then(perform);
    this.#ended = performed.catch(() => undefined);
    return performed;
  }
}
