/** The numbers of bad blocks, each with how many writes to it are still to fail before one makes it good. */
export class BadBlocks {
  readonly #failures = new Map<number, number>();

  get count(): number {
    return this.#failures.size;
  }

  has(block: number): boolean {
    return this.#failures.has(block);
  }

  /** False where it is bad already; it stays as it was. */
  add(block: number, writeFailures: number): boolean {
    if (this.#failures.has(block)) return false;
    this.#failures.set(block, writeFailures);
    return true;
  }

  /** False where it is not bad. */
  remove(block: number): boolean {
    return this.#failures.delete(block);
  }

  clear(): void {
    this.#failures.clear();
  }

  /** Whether a write to the block fails; if so, there is one less to fail. */
  failsWrite(block: number): boolean {
    const failures = this.#failures.get(block) ?? 0;
    if (failures === 0) return false;
    this.#failures.set(block, failures - 1);
    return true;
  }

  /** In ascending order. */
  list(): number[] {
    return [...this.#failures.keys()].sort((a, b) => a - b);
  }
}
