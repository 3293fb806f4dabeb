import type { TLSSocket } from 'node:tls';
import type { InputSink } from './socket-input.ts';

/** Bytes that are gathered at most before the sink gets them. */
const MAX_GATHERED = 256 * 1024;

/**
 * Reads a socket under TLS into the buffers of a sink. TLS comes in records, of which clients make one for each request, and each
 * is an event of its own: what comes in one turn of the event loop is gathered, so that it is one burst with one batch of
 * replies, as it is without TLS. Reading stops when the sink wants it, until `resume` of the socket.
 */
export class TlsInput {
  readonly #socket: TLSSocket;
  readonly #sink: InputSink;
  /** Pieces that the sink has not got; of the first one so many bytes it has. */
  #pieces: Buffer[] = [];
  #taken = 0;
  #gathered = 0;
  #scheduled = false;

  constructor(socket: TLSSocket, sink: InputSink) {
    this.#socket = socket;
    this.#sink = sink;
    socket.on('data', (piece: Buffer) => this.#gather(piece));
    // Both come before any listener that wants to know that all was read.
    socket.on('resume', this.#flush);
    socket.on('end', this.#flush);
  }

  #gather(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#gathered += piece.length;
    if (this.#gathered >= MAX_GATHERED) {
      this.#flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#gathered > 0 && !this.#socket.isPaused() && !this.#socket.destroyed) {
      const window = this.#sink.window();
      const bytes = this.#fill(window);
      if (!this.#sink.received(window, bytes)) this.#socket.pause();
    }
  };

  /** Moves as many bytes into a buffer as it has room for. */
  #fill(window: Buffer): number {
    const pieces = this.#pieces;
    let filled = 0;
    let used = 0;
    for (const piece of pieces) {
      const end = Math.min(piece.length, this.#taken + window.length - filled);
      filled += piece.copy(window, filled, this.#taken, end);
      this.#taken = end === piece.length ? 0 : end;
      if (end < piece.length) break;
      used++;
    }
    pieces.splice(0, used);
    this.#gathered -= filled;
    return filled;
  }
}
