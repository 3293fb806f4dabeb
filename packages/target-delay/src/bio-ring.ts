import type { Bio } from '@interposer/core';

/** Power of two, so that a position wraps by a mask. */
const FIRST_CAPACITY = 16;

/**
 * Bios in the order they came, each with the time it is due and its number among all that came. Makes room by doubling and
 * keeps it, so that after a while nothing is allocated.
 */
export class BioRing {
  #bios: (Bio | null)[] = new Array<Bio | null>(FIRST_CAPACITY).fill(null);
  #dues: Float64Array = new Float64Array(FIRST_CAPACITY);
  #numbers: Float64Array = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** When the first is due; Infinity if there is none. */
  get firstDue(): number {
    return this.#length === 0 ? Infinity : this.#dues[this.#first]!;
  }

  /** The number of the first; Infinity if there is none. */
  get firstNumber(): number {
    return this.#length === 0 ? Infinity : this.#numbers[this.#first]!;
  }

  push(bio: Bio, due: number, number: number): void {
    if (this.#length === this.#bios.length) this.#grow();
    const at = (this.#first + this.#length++) & (this.#bios.length - 1);
    this.#bios[at] = bio;
    this.#dues[at] = due;
    this.#numbers[at] = number;
  }

  /** Takes the first out. There must be one. */
  shift(): Bio {
    const bio = this.#bios[this.#first]!;
    this.#bios[this.#first] = null;
    this.#first = (this.#first + 1) & (this.#bios.length - 1);
    this.#length--;
    return bio;
  }

  #grow(): void {
    const size = this.#bios.length;
    const bios = new Array<Bio | null>(size * 2).fill(null);
    const dues = new Float64Array(size * 2);
    const numbers = new Float64Array(size * 2);
    for (let i = 0; i < size; i++) {
      const at = (this.#first + i) & (size - 1);
      bios[i] = this.#bios[at]!;
      dues[i] = this.#dues[at]!;
      numbers[i] = this.#numbers[at]!;
    }
    this.#bios = bios;
    this.#dues = dues;
    this.#numbers = numbers;
    this.#first = 0;
  }
}
