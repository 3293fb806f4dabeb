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

  /** Address of the first byte. Not for a buffer that was detached: it has no memory. */
  of(memory: ArrayBufferLike): number {
    if (memory === this.#last) return this.#lastAddress;
    let address = this.#known.get(memory);
    if (address === undefined) {
      address = this.#addressOf(new Uint8Array(memory));
      this.#known.set(memory, address);
    }
    this.#last = memory;
    this.#lastAddress = address;
    return address;
  }
}
