/** Where array buffers lie in memory. Each is asked for once: the memory of one never moves while it has any. */
export class AddressBook {
  readonly #addressOf: (memory: Uint8Array) => number;
  readonly #known = new WeakMap<ArrayBufferLike, number>();
  // Buffers of a pool share few slabs, and requests come in bursts.
  #last: ArrayBufferLike | undefined;
  #lastAddress = 0;

  constructor(addressOf: (memory: Uint8Array) => number) {
    this.#addressOf = addressOf;
  }

  /** Address of the byte at `offset`. The memory must not have been detached. */
  of(memory: ArrayBufferView, offset: number): number {
    const { buffer } = memory;
    if (buffer !== this.#last) {
      let address = this.#known.get(buffer);
      if (address === undefined) {
        address = this.#addressOf(new Uint8Array(buffer));
        this.#known.set(buffer, address);
      }
      this.#last = buffer;
      this.#lastAddress = address;
    }
    return this.#lastAddress + memory.byteOffset + offset;
  }
}
