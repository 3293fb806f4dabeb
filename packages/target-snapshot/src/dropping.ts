import type { Bio } from '@interposer/core';

/** The time while a store is being marked invalid: what would harm its snapshot waits for the end of it. */
export class Dropping {
  /** Sends a write to the origin on its way again. */
  readonly #retry: (bio: Bio) => void;
  readonly #bios: Bio[] = [];
  readonly #callbacks: (() => void)[] = [];
  #active = false;

  constructor(retry: (bio: Bio) => void) {
    this.#retry = retry;
  }

  get active(): boolean {
    return this.#active;
  }

  begin(): void {
    this.#active = true;
  }

  /** The store is marked, or cannot be. */
  end(): void {
    this.#active = false;
    for (const bio of this.#bios.splice(0)) this.#retry(bio);
    for (const callback of this.#callbacks.splice(0)) callback();
  }

  /** A write to the origin goes on, at once or at the end. */
  passBio(bio: Bio): void {
    if (this.#active) this.#bios.push(bio);
    else this.#retry(bio);
  }

  /** The same for anything else. */
  pass(callback: () => void): void {
    if (this.#active) this.#callbacks.push(callback);
    else callback();
  }
}
