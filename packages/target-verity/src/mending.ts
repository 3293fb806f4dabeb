/** Repairs within one another, at most. Kernel: DM_VERITY_FEC_MAX_RECURSION. */
const MOST_NESTED = 4;

/**
 * What is being put right now: a block that needs the digests of its neighbours, for which blocks of the tree are put right,
 * and so on. It keeps that from going in circles, or on for ever.
 */
export class Mending {
  readonly #blocks: readonly number[];
  /** Blocks that could not be put right, with what is right by now. Shared by all within one another. */
  readonly #failed: Set<number>;

  /** Begins, for a block of data or, with `inside`, one of the tree. */
  constructor(blocks: readonly number[] = [], failed: Set<number> = new Set<number>()) {
    this.#blocks = blocks;
    this.#failed = failed;
  }

  /** Whether it is of no use to ask for a block of the tree. */
  isHopeless(number: number): boolean {
    return this.#blocks.includes(number) || this.#failed.has(number);
  }

  /** What repairs a block of the tree needs; null where that would go too deep. */
  inside(number: number): Mending | null {
    return this.#blocks.length < MOST_NESTED ? new Mending([...this.#blocks, number], this.#failed) : null;
  }

  /** What became of a block of the tree. One that is right now may help another. */
  ended(number: number, isRight: boolean): void {
    if (isRight) this.#failed.clear();
    else this.#failed.add(number);
  }
}
