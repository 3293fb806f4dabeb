const NO_DATA = new Uint8Array(0);

/** Where data comes from and where it goes: the same bytes, or places that do not overlap. Used again and again. */
export class Span {
  from: Uint8Array = NO_DATA;
  fromOffset = 0;
  to: Uint8Array = NO_DATA;
  toOffset = 0;
  /** Bytes. */
  bytes = 0;
  /** Number of the first sector: units of 512 bytes, without the IV offset. */
  sector = 0;

  set(
    from: Uint8Array,
    fromOffset: number,
    to: Uint8Array,
    toOffset: number,
    bytes: number,
    sector: number,
  ): this {
    this.from = from;
    this.fromOffset = fromOffset;
    this.to = to;
    this.toOffset = toOffset;
    this.bytes = bytes;
    this.sector = sector;
    return this;
  }

  /** From now on in place, where the data went. */
  stay(): void {
    this.from = this.to;
    this.fromOffset = this.toOffset;
  }

  /** Further on in both places. */
  skip(bytes: number): void {
    this.fromOffset += bytes;
    this.toOffset += bytes;
  }

  /** Lets go of the buffers. */
  clear(): void {
    this.from = NO_DATA;
    this.to = NO_DATA;
  }
}
