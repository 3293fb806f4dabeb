import { plug, unplug } from '@interposer/core';
import type { ReplyParser } from './reply-parser.ts';

/** From this size on read data go from the socket to where they belong, without a copy. */
const SMALLEST_DIRECT = 64 * 1024;

/** Room for the parts of most answers; that of a longer one is not kept. */
const SMALL_PIECE = 64;

/** Brings the answers of a server to the parser, in whatever pieces they come, and data of reads to where they belong. */
export class ReplyReader {
  readonly #parser: ReplyParser;
  /** The beginning of a part that came in pieces. */
  #piece = Buffer.alloc(SMALL_PIECE);
  #gathered = 0;

  constructor(parser: ReplyParser) {
    this.#parser = parser;
  }

  /** Where the next bytes should go, or null for anywhere. */
  window(): Uint8Array | null {
    const { reading, at, end } = this.#parser;
    if (reading === null || end - at < SMALLEST_DIRECT) return null;
    return reading.buffer.subarray(reading.bufferOffset + at, reading.bufferOffset + end);
  }

  /** Bytes came into the window. */
  receivedInWindow(bytes: number): void {
    if (!this.#parser.isOpen) return;
    plug();
    this.#received(bytes);
    unplug();
  }

  /** Takes bytes from the server. */
  receive(buffer: Buffer, bytes: number): void {
    const parser = this.#parser;
    plug();
    let at = 0;
    while (at < bytes && parser.isOpen) {
      if (parser.reading !== null) at = this.#receiveData(buffer, at, bytes);
      else if (this.#gathered === 0 && bytes - at >= parser.need) {
        const start = at;
        at += parser.need;
        parser.take(buffer, start);
      } else at = this.#gather(buffer, at, bytes);
    }
    unplug();
  }

  #receiveData(buffer: Buffer, start: number, end: number): number {
    const parser = this.#parser;
    const bytes = Math.min(parser.end - parser.at, end - start);
    const { buffer: target, bufferOffset } = parser.reading!;
    buffer.copy(target, bufferOffset + parser.at, start, start + bytes);
    this.#received(bytes);
    return start + bytes;
  }

  #received(bytes: number): void {
    this.#parser.at += bytes;
    if (this.#parser.at === this.#parser.end) this.#parser.finishData();
  }

  #gather(buffer: Buffer, start: number, end: number): number {
    const { need } = this.#parser;
    const bytes = Math.min(need - this.#gathered, end - start);
    if (this.#piece.length < need) this.#piece = Buffer.alloc(need);
    buffer.copy(this.#piece, this.#gathered, start, start + bytes);
    this.#gathered += bytes;
    if (this.#gathered === need) this.#takePiece();
    return start + bytes;
  }

  #takePiece(): void {
    const piece = this.#piece;
    this.#gathered = 0;
    if (piece.length > SMALL_PIECE) this.#piece = Buffer.alloc(SMALL_PIECE);
    this.#parser.take(piece, 0);
  }
}
