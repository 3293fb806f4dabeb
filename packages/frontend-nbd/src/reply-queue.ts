import { deferToUnplug, type Pluggable } from '@interposer/core';
import { NbdError } from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import type { Request } from './request.ts';

/** What a queue needs of the transmission it belongs to. */
export interface ReplySender {
  /** Whether more replies will come without a further request being read. */
  readonly expectsReplies: boolean;
  /** The reply is in the kernel's hands, or never will be. */
  sent(request: Request): void;
  /** All replies of a batch were sent. */
  batchSent(): void;
}

/**
 * Replies that are ready, sent once in a turn and in one system call: neighbours in an arena as one piece, larger payloads
 * straight from their own buffers. One batch is on its way at a time; the next gathers meanwhile.
 */
export class ReplyQueue implements Pluggable {
  readonly #socket: Socket;
  readonly #sender: ReplySender;
  /** Bytes of payloads that are not sent. */
  payloadBytes = 0;
  #ready: Request[] = [];
  #sending: Request[] = [];
  #scheduled = false;
  #corked = false;
  /** The piece that is being put together. */
  #piece: Buffer | null = null;
  #start = 0;
  #end = 0;

  constructor(socket: Socket, sender: ReplySender) {
    this.#socket = socket;
    this.#sender = sender;
  }

  /** Replies that are not sent. */
  get length(): number {
    return this.#ready.length + this.#sending.length;
  }

  push(request: Request): void {
    this.#ready.push(request);
    this.payloadBytes += outgoingBytes(request);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (deferToUnplug(this)) return;
    // Outside a burst others may be about to end in this turn: wait for its end, unless this one is the last.
    if (this.#sender.expectsReplies) setImmediate(this.#flush);
    else this.#flush();
  }

  unplug(): void {
    this.#flush();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#sending.length > 0 || this.#ready.length === 0) return;
    const batch = this.#ready;
    this.#ready = this.#sending;
    this.#sending = batch;
    for (const request of batch) this.#add(request);
    this.#write(this.#written);
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  };

  #add(request: Request): void {
    if (request.answer !== null) {
      for (const piece of request.answer) this.#begin(piece, 0, piece.length);
      return;
    }
    const { buffer } = request.arena!;
    const { slot } = request;
    const failed = request.error !== NbdError.None;
    const end = slot + request.headBytes + (failed ? 0 : request.inlineBytes);
    if (buffer === this.#piece && slot === this.#end) this.#end = end;
    else this.#begin(buffer, slot, end);
    if (request.payload === null || failed) return;
    this.#begin(request.payload, request.payloadStart, request.payloadStart + request.length);
  }

  #begin(buffer: Buffer, start: number, end: number): void {
    if (this.#piece !== null) this.#writeCorked();
    this.#piece = buffer;
    this.#start = start;
    this.#end = end;
  }

  /** A piece that is not the only one: all go in one system call. A single one is cheaper without it. */
  #writeCorked(): void {
    if (!this.#corked) this.#socket.cork();
    this.#corked = true;
    this.#write();
  }

  #write(done?: () => void): void {
    this.#socket.write(this.#piece!.subarray(this.#start, this.#end), done);
    this.#piece = null;
  }

  readonly #written = (): void => {
    const batch = this.#sending;
    for (const request of batch) {
      this.payloadBytes -= outgoingBytes(request);
      this.#sender.sent(request);
    }
    batch.length = 0;
    if (this.#ready.length > 0) this.#flush();
    this.#sender.batchSent();
  };
}

/** Bytes of a reply that do not lie in an arena. */
function outgoingBytes({ payload, length, answer }: Request): number {
  if (payload !== null) return length;
  return answer === null ? 0 : answer.reduce((sum, piece) => sum + piece.length, 0);
}
