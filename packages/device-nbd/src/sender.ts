import { BufferPool, deferToUnplug, type PooledBuffer, type Pluggable, SECTOR_SIZE } from '@interposer/core';
import {
  CommandFlag,
  EXTENDED_REQUEST_BYTES,
  NbdCommand,
  REQUEST_BYTES,
  writeExtendedRequest,
  writeRequest,
} from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';

// The source may be any Uint8Array, which has no copy with offsets of its own; Node's needs no view.
const bufferPrototype = Buffer.prototype as Buffer;

const OUT_BYTES = 256 * 1024;

/** Data of writes up to this size are copied behind their header; larger ones are sent from where they are. */
const LARGEST_COPIED = 32 * 1024;

/** A batch of requests: the pieces to send, and the buffers that are free when they are sent. */
interface Batch {
  pieces: Buffer[];
  buffers: PooledBuffer[];
}

/** Requests on their way to the server: gathered while a burst lasts, or until the caller has returned. */
export class RequestSender implements Pluggable {
  readonly #socket: Socket;
  readonly #extended: boolean;
  readonly #pool = new BufferPool(4 * OUT_BYTES);
  #gathering: Batch = { pieces: [], buffers: [] };
  #sending: Batch = { pieces: [], buffers: [] };
  #out: PooledBuffer | null = null;
  /** The part of `#out` that is in no piece yet. */
  #start = 0;
  #end = 0;
  #scheduled = false;
  #busy = false;
  #closed = false;

  constructor(socket: Socket, extended: boolean) {
    this.#socket = socket;
    this.#extended = extended;
  }

  /** A request; of a write the data window follows. The cookie is two numbers of 32 bits. */
  send(
    command: number,
    flags: number,
    cookieHigh: number,
    cookieLow: number,
    sector: number,
    count: number,
  ): void {
    const offset = sector * SECTOR_SIZE;
    const length = count * SECTOR_SIZE;
    if (this.#extended) {
      const at = this.#take(EXTENDED_REQUEST_BYTES);
      const all = command === NbdCommand.Write ? flags | CommandFlag.PayloadLength : flags;
      writeExtendedRequest(this.#out!, at, command, all, cookieHigh, cookieLow, offset, length);
    } else {
      const at = this.#take(REQUEST_BYTES);
      writeRequest(this.#out!, at, command, flags, cookieHigh, cookieLow, offset, length);
    }
    this.#schedule();
  }

  /** The data of the write that was just sent. Large ones must stay as they are until the server has answered. */
  sendData(buffer: Uint8Array, offset: number, bytes: number): void {
    if (bytes > LARGEST_COPIED) {
      this.#cut();
      this.#gathering.pieces.push(Buffer.from(buffer.buffer, buffer.byteOffset + offset, bytes));
      return;
    }
    const at = this.#take(bytes);
    bufferPrototype.copy.call(buffer, this.#out!, at, offset, offset + bytes);
  }

  unplug(): void {
    this.#flush();
  }

  /** Nothing more is sent; buffers that the socket may still hold are left to it. */
  close(): void {
    this.#closed = true;
  }

  /** Where in `#out` so many bytes may be written. */
  #take(bytes: number): number {
    if (this.#out === null || this.#end + bytes > this.#out.length) {
      this.#cut();
      this.#out = this.#pool.get(OUT_BYTES);
      this.#gathering.buffers.push(this.#out);
      this.#start = this.#end = 0;
    }
    const at = this.#end;
    this.#end += bytes;
    return at;
  }

  #cut(): void {
    if (this.#out !== null && this.#end > this.#start) {
      this.#gathering.pieces.push(this.#out.subarray(this.#start, this.#end));
    }
    this.#start = this.#end;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (!deferToUnplug(this)) queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#busy || this.#closed) return;
    this.#cut();
    const batch = this.#gathering;
    if (batch.pieces.length === 0) return;
    this.#busy = true;
    this.#gathering = this.#sending;
    this.#sending = batch;
    this.#out = null;
    const last = batch.pieces.length - 1;
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(batch.pieces[i]!);
    this.#socket.write(batch.pieces[last]!, this.#written);
    this.#socket.uncork();
  };

  readonly #written = (): void => {
    if (this.#closed) return;
    const { pieces, buffers } = this.#sending;
    for (const buffer of buffers) this.#pool.put(buffer);
    pieces.length = 0;
    buffers.length = 0;
    this.#busy = false;
    this.#flush();
  };
}
