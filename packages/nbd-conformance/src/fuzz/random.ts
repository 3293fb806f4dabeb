/** Numbers that look random and are the same for the same seed (the xorshift generator of Marsaglia, 32 bits). */
export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    // Neighbouring seeds and indexes must not give neighbouring numbers.
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0 || 1;
    for (let count = 0; count < 4; count++) this.#next();
  }

  /** From 0 to limit - 1. */
  below(limit: number): number {
    return this.#next() % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True once in so many times. */
  once(of: number): boolean {
    return this.below(of) === 0;
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state;
  }
}
