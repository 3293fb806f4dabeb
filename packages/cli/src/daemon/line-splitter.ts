const NEWLINE = 10;
const FIRST_CAPACITY = 4096;

/** Cuts a byte stream into lines, with a bound on what it keeps of an unfinished one. */
export class LineSplitter {
  readonly #max: number;
  /** The unfinished line, in the first `#length` bytes. */
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  /** In a line that was too long: all up to its end is thrown away. */
  #skipping = false;

  /** `max`: the longest line in bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The lines that end in this chunk, without their newlines; null stands for one that was too long. */
  push(chunk: Uint8Array): (Uint8Array | null)[] {
    const lines: (Uint8Array | null)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end), lines);
      if (!this.#skipping) lines.push(this.#take());
      this.#skipping = false;
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start), lines);
    return lines;
  }

  #keep(part: Uint8Array, lines: (Uint8Array | null)[]): void {
    if (this.#skipping) return;
    const length = this.#length + part.length;
    if (length > this.#max) {
      this.#take();
      this.#skipping = true;
      lines.push(null);
      return;
    }
    this.#reserve(length);
    this.#buffer.set(part, this.#length);
    this.#length = length;
  }

  /** One buffer that doubles: many tiny parts must not cost more than their bytes. */
  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length, FIRST_CAPACITY));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #take(): Uint8Array {
    const line = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
    return line;
  }
}
