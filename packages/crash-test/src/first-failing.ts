import type { Verdict } from './check.ts';

/** The first of some items that fails. */
export interface FirstFailing<Item> {
  readonly item: Item;
  /** Its number among the items, from 0. */
  readonly index: number;
  readonly message: string;
}

/** How to look for it. */
export interface Looking<Item> {
  /** The verdict on an item; undefined where `control` was aborted, which gives it up. */
  readonly verdict: (item: Item, control: AbortController) => Promise<Verdict | undefined>;
  /** So many at a time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks at items in their order, several at a time, and answers the first in that order that fails, however long each takes;
 * items behind it are given up. Undefined where none fails, and when the signal is aborted. Rejects with the first error that a
 * verdict rejects with, when all others have ended.
 */
export async function firstFailing<Item>(
  items: Iterator<Item, unknown>,
  looking: Looking<Item>,
): Promise<FirstFailing<Item> | undefined> {
  const look = new Look(items, looking);
  const giveUp = (): void => look.giveUpBehind(-1);
  looking.signal.addEventListener('abort', giveUp);
  await Promise.all(Array.from({ length: looking.jobs }, () => look.work()));
  looking.signal.removeEventListener('abort', giveUp);
  if (look.errors.length > 0) throw look.errors[0];
  return looking.signal.aborted ? undefined : look.found;
}

class Look<Item> {
  found: FirstFailing<Item> | undefined;
  readonly errors: unknown[] = [];
  readonly #items: Iterator<Item, unknown>;
  readonly #looking: Looking<Item>;
  readonly #running = new Map<number, AbortController>();
  #next = 0;

  constructor(items: Iterator<Item, unknown>, looking: Looking<Item>) {
    this.#items = items;
    this.#looking = looking;
  }

  /** One item after the other, as long as there is a point in it. */
  async work(): Promise<void> {
    try {
      while (this.found === undefined && this.errors.length === 0 && !this.#looking.signal.aborted) {
        const result = this.#items.next();
        if (result.done === true) return;
        await this.#lookAt(result.value, this.#next++);
      }
    } catch (error) {
      this.errors.push(error);
      this.giveUpBehind(-1);
    }
  }

  async #lookAt(item: Item, index: number): Promise<void> {
    const control = new AbortController();
    this.#running.set(index, control);
    const told = await this.#looking.verdict(item, control);
    this.#running.delete(index);
    if (told?.ok !== false || (this.found !== undefined && this.found.index < index)) return;
    this.found = { item, index, message: told.message };
    this.giveUpBehind(index);
  }

  /** Those behind an index that are being looked at. */
  giveUpBehind(index: number): void {
    for (const [number, control] of this.#running) if (number > index) control.abort();
  }
}
