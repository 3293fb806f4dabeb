/** The number of no chunk: what a table answers for a chunk that is not in it. */
export const NO_CHUNK = -1;

/** How many chunks a device may have: their numbers, and one more, are unsigned integers of 32 bits. */
export const MOST_CHUNKS: number = 2 ** 32 - 1;

const SMALLEST = 64;
/** 2^32 divided by the golden ratio: spreads neighbours and strides over the table. */
const SPREAD = 0x9e3779b1;

/**
 * Numbers by chunk: a hash table with open addressing in typed arrays of integers, so that to look up, to set and to delete
 * allocates nothing but when the table grows.
 */
export class ChunkTable {
  /** Each chunk plus one; 0 where there is none. */
  #keys: Uint32Array = new Uint32Array(SMALLEST);
  #numbers: Uint32Array = new Uint32Array(SMALLEST);
  /** What is left of a hash of 32 bits is the place in the arrays. */
  #shift = 32 - Math.log2(SMALLEST);
  #size = 0;

  /** How many chunks are in it. */
  get size(): number {
    return this.#size;
  }

  /** The number of a chunk; `NO_CHUNK` where it has none. */
  get(chunk: number): number {
    const place = this.#find(chunk + 1);
    return this.#keys[place] === 0 ? NO_CHUNK : this.#numbers[place]!;
  }

  set(chunk: number, number: number): void {
    const key = chunk + 1;
    const place = this.#find(key);
    this.#numbers[place] = number;
    if (this.#keys[place] === key) return;
    this.#keys[place] = key;
    // Never more than half full, so that the ways to a place stay short.
    if (++this.#size * 2 > this.#keys.length) this.#grow();
  }

  /** Without effect for a chunk that is not there. */
  delete(chunk: number): void {
    let hole = this.#find(chunk + 1);
    if (this.#keys[hole] === 0) return;
    this.#size--;
    const mask = this.#keys.length - 1;
    // Those behind it move up, if the way to them led over the hole.
    for (let place = (hole + 1) & mask; this.#keys[place] !== 0; place = (place + 1) & mask) {
      const home = this.#home(this.#keys[place]!);
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[place]!;
      this.#numbers[hole] = this.#numbers[place]!;
      hole = place;
    }
    this.#keys[hole] = 0;
  }

  /** The chunks from one to another that are in it, in order. Takes as long as there are such, or places in the table. */
  within(first: number, last: number): number[] {
    const found: number[] = [];
    if (last - first < this.#keys.length) {
      for (let chunk = first; chunk <= last && this.#size > 0; chunk++)
        if (this.#keys[this.#find(chunk + 1)] !== 0) found.push(chunk);
      return found;
    }
    for (const key of this.#keys) if (key > first && key - 1 <= last) found.push(key - 1);
    return found.sort((a, b) => a - b);
  }

  /** The place of a key, or the free one where it would be. */
  #find(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let place = this.#home(key);
    while (keys[place] !== key && keys[place] !== 0) place = (place + 1) & mask;
    return place;
  }

  #home(key: number): number {
    return Math.imul(key, SPREAD) >>> this.#shift;
  }

  #grow(): void {
    const keys = this.#keys;
    const numbers = this.#numbers;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#numbers = new Uint32Array(keys.length * 2);
    this.#shift--;
    for (let old = 0; old < keys.length; old++) {
      if (keys[old] === 0) continue;
      const place = this.#find(keys[old]!);
      this.#keys[place] = keys[old]!;
      this.#numbers[place] = numbers[old]!;
    }
  }
}
