const FIRST_SIZE = 256;

/**
 * What is known of the bios that are on their way below the filter. A bio carries only the number of its slot in its
 * cookie: a time there would be a boxed number, made anew for each bio.
 */
export class InFlight {
  /** When the bio came, by the clock. */
  submitted: Float64Array = new Float64Array(FIRST_SIZE);
  /** Which bio it is. */
  numbers: Float64Array = new Float64Array(FIRST_SIZE);
  /** Bios inside the device when it came. */
  depths: Uint32Array = new Uint32Array(FIRST_SIZE);
  /** The free slot behind a free one. */
  #next: Int32Array = chain(0, FIRST_SIZE);
  /** -1: none is free. */
  #free = 0;

  /** A slot of the caller's own, until `give`. */
  take(): number {
    if (this.#free < 0) this.#grow();
    const slot = this.#free;
    this.#free = this.#next[slot]!;
    return slot;
  }

  give(slot: number): void {
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Rare: the depth of a device soon has its peak behind it. */
  #grow(): void {
    const { length } = this.#next;
    this.#free = length;
    this.submitted = doubled(this.submitted, new Float64Array(2 * length));
    this.numbers = doubled(this.numbers, new Float64Array(2 * length));
    this.depths = doubled(this.depths, new Uint32Array(2 * length));
    this.#next = doubled(this.#next, chain(length, 2 * length));
  }
}

/** Slots from the first to the last, each leading to the one behind it; those before are left to be filled in. */
function chain(first: number, end: number): Int32Array {
  return Int32Array.from({ length: end }, (_, slot) => (slot < first || slot === end - 1 ? -1 : slot + 1));
}

function doubled<A extends Float64Array | Uint32Array | Int32Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
