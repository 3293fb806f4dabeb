import type { Held } from './held.ts';

/** Held bios, the one that is due next first; of those due at one moment the one that came first. A binary heap. */
export class DelayHeap {
  readonly #items: Held[] = [];

  get length(): number {
    return this.#items.length;
  }

  /** Undefined if there is none. */
  get first(): Held | undefined {
    return this.#items[0];
  }

  /** All of them, in no order. */
  get all(): readonly Held[] {
    return this.#items;
  }

  push(item: Held): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the first out. There must be one. */
  shift(): Held {
    const items = this.#items;
    const first = items[0]!;
    const last = items.pop()!;
    if (items.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Puts an item in from the top. */
  #sink(item: Held): void {
    const items = this.#items;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++;
      if (!isBefore(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

function isBefore(a: Held, b: Held): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
