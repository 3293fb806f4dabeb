import type { Bio } from '@interposer/core';

/** Bytes that are hashed in one turn of the event loop: a millisecond of it, and a few with the slowest hash functions. */
const MOST_A_TURN = 2 ** 20;

/** Below that nobody keeps account of turns. */
const LITTLE = 256 * 1024;

/** Lets many large requests that come back at once take turns with everything else. */
export class TurnBudget {
  readonly #begin: (bio: Bio) => void;
  readonly #waiting: Bio[] = [];
  #taken = 0;
  #isNextTurnSet = false;

  /** `begin` verifies a bio that waited. */
  constructor(begin: (bio: Bio) => void) {
    this.#begin = begin;
  }

  /** Whether so many bytes may be hashed now; if not, `wait`. */
  take(bytes: number): boolean {
    if (this.#waiting.length > 0) return false;
    this.#taken += bytes;
    if (this.#taken > LITTLE) this.#setNextTurn();
    return this.#taken <= MOST_A_TURN;
  }

  /** Owns the bio until it begins, in the order they came. */
  wait(bio: Bio): void {
    this.#waiting.push(bio);
    this.#setNextTurn();
  }

  #setNextTurn(): void {
    if (this.#isNextTurnSet) return;
    this.#isNextTurnSet = true;
    setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#isNextTurnSet = false;
    this.#taken = 0;
    while (this.#waiting.length > 0 && this.#taken < MOST_A_TURN) {
      const bio = this.#waiting.shift()!;
      this.#taken += bio.count * 512;
      this.#begin(bio);
    }
    if (this.#waiting.length > 0) this.#setNextTurn();
  };
}
