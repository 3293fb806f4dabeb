import { type Bio, EndResult, type Frame } from '@interposer/core';

/** Writes that are under way to an origin and came between two snapshots. */
export class WriteGeneration implements Frame {
  #count = 0;
  readonly #listeners: (() => void)[] = [];

  /** How many are under way. */
  get count(): number {
    return this.#count;
  }

  /** Counts a bio until it ends. */
  enter(bio: Bio): void {
    this.#count++;
    bio.watch(this);
  }

  /** Counts something else, until `leave`. */
  hold(): void {
    this.#count++;
  }

  leave(): void {
    if (--this.#count > 0 || this.#listeners.length === 0) return;
    for (const listener of this.#listeners.splice(0)) listener();
  }

  endIo(): EndResult {
    this.leave();
    return EndResult.Done;
  }

  /** Calls back when the last has ended. To be asked when no more come, and some are under way. */
  whenOver(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
