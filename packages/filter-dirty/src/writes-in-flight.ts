import type { DirtyBitmap } from './dirty-bitmap.ts';

const FIRST_SIZE = 256;

/** The ranges that are being changed below the filter. A bio carries the number of its slot in its cookie. */
export class WritesInFlight {
  #sectors: Float64Array = new Float64Array(FIRST_SIZE);
  /** 0: the slot is free. */
  #counts: Float64Array = new Float64Array(FIRST_SIZE);
  /** The free slot behind a free one. */
  #next: Int32Array = chain(0, FIRST_SIZE);
  /** -1: none is free. */
  #free = 0;

  /** Notes a range; its slot stays in use until `give`. */
  take(sector: number, count: number): number {
    if (this.#free < 0) this.#grow();
    const slot = this.#free;
    this.#free = this.#next[slot]!;
    this.#sectors[slot] = sector;
    this.#counts[slot] = count;
    return slot;
  }

  give(slot: number): void {
    this.#counts[slot] = 0;
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Sets the bits of all ranges. */
  markIn(bitmap: DirtyBitmap): void {
    for (const [slot, count] of this.#counts.entries()) {
      if (count > 0) bitmap.mark(this.#sectors[slot]!, count);
    }
  }

  /** Rare: the depth of a device soon has its peak behind it. */
  #grow(): void {
    const { length } = this.#next;
    this.#free = length;
    this.#sectors = doubled(this.#sectors, new Float64Array(2 * length));
    this.#counts = doubled(this.#counts, new Float64Array(2 * length));
    this.#next = doubled(this.#next, chain(length, 2 * length));
  }
}

/** Slots from the first to the last, each leading to the one behind it; those before are left to be filled in. */
function chain(first: number, end: number): Int32Array {
  return Int32Array.from({ length: end }, (_, slot) => (slot < first || slot === end - 1 ? -1 : slot + 1));
}

function doubled<A extends Float64Array | Int32Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
