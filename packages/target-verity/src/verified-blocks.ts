/** A bit for each block of data, of which there are less than 2^31: once verified, it is not looked at again. */
export class VerifiedBlocks {
  readonly #bits: Uint8Array;

  constructor(blocks: number) {
    this.#bits = new Uint8Array(Math.ceil(blocks / 8));
  }

  has(block: number): boolean {
    return ((this.#bits[block >> 3]! >> (block & 7)) & 1) === 1;
  }

  add(block: number): void {
    this.#bits[block >> 3]! |= 1 << (block & 7);
  }

  /** Whether all of these are in it. */
  hasAll(first: number, count: number): boolean {
    const end = first + count;
    for (let block = first; block < end;) {
      if ((block & 7) === 0 && block + 8 <= end) {
        if (this.#bits[block >> 3] !== 255) return false;
        block += 8;
      } else if (!this.has(block++)) return false;
    }
    return true;
  }
}
