/** A block of the tree. */
export interface HashBlock {
  readonly bytes: Buffer;
  /** Its digest is right. */
  isVerified: boolean;
  /** Somebody asked for it since its turn to go came last. */
  isUsed: boolean;
}

/** Bytes of the tree that are kept: with 4096-byte blocks and sha256 the lowest level of 2 GiB of data. */
const MOST_BYTES = 16 * 2 ** 20;

/** Blocks of the tree by number, as many as fit; those that nobody asked for go first. */
export class BlockCache {
  readonly #blocks = new Map<number, HashBlock>();
  readonly #most: number;

  constructor(blockSize: number) {
    this.#most = Math.max(16, MOST_BYTES / blockSize);
  }

  has(number: number): boolean {
    return this.#blocks.has(number);
  }

  get(number: number): HashBlock | null {
    const block = this.#blocks.get(number);
    if (block === undefined) return null;
    block.isUsed = true;
    return block;
  }

  /** Not verified yet, and not the next to go. */
  add(number: number, bytes: Buffer): HashBlock {
    const block = { bytes, isVerified: false, isUsed: false };
    this.#blocks.set(number, block);
    while (this.#blocks.size > this.#most) this.#dropOne(number);
    return block;
  }

  forget(number: number): void {
    this.#blocks.delete(number);
  }

  /** The oldest that was not used since its last turn; the used ones in front get another turn, and so does the newest. */
  #dropOne(newest: number): void {
    for (const [number, block] of this.#blocks) {
      if (number === newest) continue;
      this.#blocks.delete(number);
      if (!block.isUsed) return;
      block.isUsed = false;
      this.#blocks.set(number, block);
    }
  }
}
