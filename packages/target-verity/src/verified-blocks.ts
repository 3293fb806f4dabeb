/** A bit for each block of data: once verified, it is not looked at again. */
export class VerifiedBlocks {
  readonly #bits: Uint8Array;

  constructor(blocks: number) {
    this.#bits = new Uint8Array(Math.ceil(blocks / 8));
  }

  has(block: number): boolean {
    return ((this.#bits[Math.floor(block / 8)]! >> (block % 8)) & 1) === 1;
  }

  add(block: number): void {
    this.#bits[Math.floor(block / 8)]! |= 1 << (block % 8);
  }

  /** Whether all of these are in it. */
  hasAll(first: number, count: number): boolean {
    const end = first + count;
    for (let block = first; block < end;) {
      if (block % 8 === 0 && block + 8 <= end) {
        if (this.#bits[block / 8] !== 255) return false;
        block += 8;
      } else if (!this.has(block++)) return false;
    }
    return true;
  }
}
