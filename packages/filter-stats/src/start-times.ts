const SLOTS_AT_FIRST = 64;

/**
 * When the bios that are under way set out. Each has a slot, whose number fits a cookie whatever the clock shows and however
 * long the bio takes. Room grows with the most bios at a time, and stays.
 */
export class StartTimes {
  #times: Float64Array = new Float64Array(SLOTS_AT_FIRST);
  /** The free slots are the first `#freeCount` of it. */
  #free: Int32Array = Int32Array.from({ length: SLOTS_AT_FIRST }, (_, slot) => slot);
  #freeCount: number = SLOTS_AT_FIRST;

  /** Keeps a time; the slot it is in. */
  put(time: number): number {
    if (this.#freeCount === 0) this.#grow();
    const slot = this.#free[--this.#freeCount]!;
    this.#times[slot] = time;
    return slot;
  }

  /** The time in a slot, which is free again. */
  take(slot: number): number {
    this.#free[this.#freeCount++] = slot;
    return this.#times[slot]!;
  }

  /** No slot is free. */
  #grow(): void {
    const used = this.#times.length;
    const times = new Float64Array(used * 2);
    times.set(this.#times);
    this.#times = times;
    this.#free = new Int32Array(used * 2);
    for (let slot = used; slot < used * 2; slot++) this.#free[this.#freeCount++] = slot;
  }
}
