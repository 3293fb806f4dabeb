import { type Bio, BioOp, bioPool, SECTOR_SIZE, Status } from '@interposer/core';
import {
  CommandFlag,
  NbdCommand,
  NbdError,
  REQUEST_MAGIC,
  RequestField,
  SimpleReplyField,
} from '@interposer/nbd-protocol';
import { ArenaSource } from './arena.ts';
import { performCarefully } from './careful.ts';
import { checkRequest } from './check-request.ts';
import { nbdErrorOf } from './errno.ts';
import type { Export } from './export.ts';
import { readU16, readU32, readU64 } from './integers.ts';
import { Payloads } from './payloads.ts';
import { ReplyQueue, type ReplySender } from './reply-queue.ts';
import { Holdings } from './holdings.ts';
import { placeReply } from './reply-place.ts';
import { Request, type RequestOwner } from './request.ts';
import { RequestIntake, type RequestTaker } from './request-intake.ts';
import { SlabSource } from './slab.ts';
import { submitFlush, submitWhole } from './submit.ts';
import type { TransmissionHost, TransmissionOptions } from './transmission-host.ts';
import { statusOf } from './unaligned.ts';

/** Data of a write that is refused are read and dropped up to this size; more is taken for an attack. */
const LARGEST_DROPPED = 64 * 2 ** 20;

/**
 * Payloads that wait for the socket, beyond which no further request is taken: reading ahead of a client that cannot keep up
 * only drives what is waiting out of the processor's cache. Large reads become a sixth faster by it.
 */
const MAX_UNSENT: number = 2 ** 20;

/** What a request costs beside its buffers, roughly: the bound of a connection holds for tiny requests too. */
const REQUEST_COST = 1024;

/** The second phase of a connection: requests and replies. Requests are served in any order, many at a time. */
export class Transmission implements RequestOwner, RequestTaker, ReplySender {
  /** All requests that this connection ever had at a time, for the lock to look through. */
  readonly requests: Request[] = [];
  readonly exported: Export;
  readonly intake: RequestIntake;
  /** No request will come any more. */
  ending = false;
  readonly #host: TransmissionHost;
  readonly #holdings: Holdings;
  readonly #slabs: SlabSource;
  readonly #arenas: ArenaSource;
  readonly #payloads: Payloads;
  readonly #replies: ReplyQueue;
  readonly #maxBufferedBytes: number;
  readonly #free: Request[] = [];
  #inflight = 0;
  #shuttingDown = false;

  constructor(options: TransmissionOptions, host: TransmissionHost) {
    const { socket, exported, pool, receiveBuffer, maxBufferedBytes } = options;
    this.exported = exported;
    this.#host = host;
    this.#holdings = new Holdings(pool);
    this.#slabs = new SlabSource(this.#holdings, receiveBuffer);
    this.#payloads = new Payloads(this.#holdings, this.#slabs);
    this.intake = new RequestIntake(this, this.#slabs);
    this.#arenas = new ArenaSource(this.#holdings);
    this.#replies = new ReplyQueue(socket, this);
    this.#maxBufferedBytes = maxBufferedBytes;
    exported.lock.writers.add(this);
  }

  get blocked(): boolean {
    return this.#holdings.bytes >= this.#maxBufferedBytes || this.#replies.payloadBytes >= MAX_UNSENT;
  }

  get expectsReplies(): boolean {
    return this.#inflight > 0;
  }

  /** Nothing in flight and nothing to send. */
  get idle(): boolean {
    return this.#inflight === 0 && this.#replies.length === 0;
  }

  /** No request will come any more: finishes what is in flight. */
  finish(): void {
    if (this.ending) return;
    this.ending = true;
    const incomplete = this.intake.drop();
    if (incomplete !== null) {
      this.#inflight--;
      this.sent(incomplete);
    }
    this.#finishIfIdle();
  }

  /** The socket is closed: it is not read any more. */
  disconnect(): void {
    this.#slabs.close();
    this.finish();
  }

  /** Finishes what is in flight; what comes meanwhile is refused. */
  shutDown(): void {
    this.#shuttingDown = true;
    if (this.idle) this.finish();
  }

  begin(buffer: Buffer, at: number): Request | null {
    if (readU32(buffer, at + RequestField.Magic) !== REQUEST_MAGIC) {
      this.#cutOff('a request without its magic number');
      return null;
    }
    const command = readU16(buffer, at + RequestField.Type);
    if (command === NbdCommand.Disconnect) {
      this.finish();
      return null;
    }
    const request = this.#free.pop() ?? this.#make();
    request.command = command;
    request.flags = readU16(buffer, at + RequestField.Flags);
    request.offset = readU64(buffer, at + RequestField.Offset);
    request.length = readU32(buffer, at + RequestField.Length);
    this.#check(request);
    placeReply(request, this.#arenas, buffer, at + RequestField.Cookie);
    this.#holdings.bytes += REQUEST_COST;
    this.#inflight++;
    if (command === NbdCommand.Write && request.length > 0) return this.#accept(request);
    this.start(request);
    return null;
  }

  mayBorrow(request: Request): boolean {
    return request.error === NbdError.None && !request.crooked && !this.exported.lock.busy;
  }

  provide(request: Request): void {
    if (request.error === NbdError.None) this.#payloads.take(request, this.exported.block);
  }

  start(request: Request): void {
    const { command, length } = request;
    const { port } = this.exported;
    if (request.error !== NbdError.None) this.#answer(request);
    else if (command === NbdCommand.Flush) submitFlush(request, port);
    else if (length === 0) this.#answer(request);
    else if (this.#mustTakeCare(request)) void this.#startCarefully(request);
    else {
      if (command !== NbdCommand.Read) request.writing = true;
      else if (request.inlineBytes === 0) this.#payloads.take(request, this.exported.block);
      submitWhole(request, port);
    }
  }

  ended(request: Request, bio: Bio): void {
    const { status, op } = bio;
    if (bio.abandoned) this.#payloads.forsake(request);
    bioPool.put(bio);
    // FUA of a write is the bio's own; after zeroes and discards it is a flush.
    const wantsFlush = (request.flags & CommandFlag.Fua) !== 0 && op >= BioOp.Discard;
    if (wantsFlush && status === Status.Ok) {
      submitFlush(request, this.exported.port);
      return;
    }
    if (status !== Status.Ok) request.error = nbdErrorOf(status);
    this.#answer(request);
  }

  sent(request: Request): void {
    this.#payloads.give(request);
    this.#arenas.release(request.arena!);
    this.#holdings.bytes -= REQUEST_COST;
    request.reset();
    this.#free.push(request);
  }

  batchSent(): void {
    if (this.#shuttingDown && this.idle) this.finish();
    this.#finishIfIdle();
    if (!this.ending && !this.blocked) this.#host.unblocked();
  }

  #finishIfIdle(): void {
    if (!this.ending || !this.idle) return;
    this.exported.lock.writers.delete(this);
    this.#host.finished();
  }

  #cutOff(message: string): void {
    this.#host.violation(message);
    this.finish();
  }

  #make(): Request {
    const request = new Request(this);
    this.requests.push(request);
    return request;
  }

  #check(request: Request): void {
    const { offset, length } = request;
    const { block } = this.exported;
    request.crooked = offset % block !== 0 || length % block !== 0;
    request.error = this.#shuttingDown
      ? NbdError.Shutdown
      : checkRequest(this.exported, request.command, request.flags, offset, length);
  }

  /** A write with data, unless there are too many to drop. */
  #accept(request: Request): Request | null {
    if (request.error === NbdError.None || request.length <= LARGEST_DROPPED) return request;
    this.#inflight--;
    this.sent(request);
    this.#cutOff(`a write of ${String(request.length)} bytes`);
    return null;
  }

  /** Not made of whole blocks, or in the way of such a write. */
  #mustTakeCare(request: Request): boolean {
    if (request.crooked) return true;
    request.sector = request.offset / SECTOR_SIZE;
    request.count = request.length / SECTOR_SIZE;
    const { lock } = this.exported;
    return lock.busy && request.command !== NbdCommand.Read && lock.covers(request.sector, request.count);
  }

  async #startCarefully(request: Request): Promise<void> {
    try {
      if (request.command === NbdCommand.Read) this.#payloads.take(request, this.exported.block);
      await performCarefully(request, this.exported);
    } catch (error) {
      request.error = nbdErrorOf(statusOf(error));
      // A bio that failed may still be in the hands of the plugin that was to blame.
      this.#payloads.forsake(request);
    }
    this.#answer(request);
  }

  #answer(request: Request): void {
    this.#inflight--;
    if (request.writing) {
      request.writing = false;
      if (this.exported.lock.busy) this.exported.lock.settle();
    }
    if (request.command === NbdCommand.Write) this.#payloads.give(request);
    if (request.error !== NbdError.None) {
      request.arena!.buffer.writeUInt32BE(request.error, request.slot + SimpleReplyField.Error);
    }
    this.#replies.push(request);
  }
}
