/** Bytes that come in pieces, asked for in counts: for the handshake, where one question follows another. */
export class ByteReader {
  #bytes: Buffer = Buffer.alloc(0);
  #want = 0;
  #resolve: ((bytes: Buffer) => void) | null = null;
  #reject: ((error: Error) => void) | null = null;
  #failure: Error | null = null;

  /** Takes a copy of what came. */
  push(piece: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    this.#settle();
  }

  /** No more will come. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#settle();
  }

  /** The next bytes. One call at a time. */
  read(count: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#want = count;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#settle();
    });
  }

  /** What came and was not asked for. */
  rest(): Buffer {
    return this.#bytes;
  }

  #settle(): void {
    if (this.#resolve === null) return;
    if (this.#bytes.length >= this.#want) {
      const bytes = this.#bytes.subarray(0, this.#want);
      this.#bytes = this.#bytes.subarray(this.#want);
      this.#resolve(bytes);
    } else if (this.#failure !== null) {
      this.#reject?.(this.#failure);
    } else {
      return;
    }
    this.#resolve = null;
    this.#reject = null;
  }
}
