import { type Bio, BioOp, bioPool, codeOfErrno, SECTOR_SIZE, Status } from '@interposer/core';
import { CommandFlag, NbdCommand, NbdError, RequestField } from '@interposer/nbd-protocol';
import { ArenaSource } from './arena.ts';
import type { Dialect } from './dialect.ts';
import { nbdErrorOf } from './errno.ts';
import type { Export } from './export.ts';
import { finishReply } from './finish-reply.ts';
import { Payloads } from './payloads.ts';
import { hasRequestMagic, readCommand, readRequest } from './read-request.ts';
import { ReplyQueue, type ReplySender } from './reply-queue.ts';
import { Holdings } from './holdings.ts';
import { placeReply } from './reply-place.ts';
import type { Request, RequestOwner } from './request.ts';
import { RequestChecks } from './request-checks.ts';
import { costOf, isHeavy } from './request-cost.ts';
import { RequestIntake, type RequestTaker } from './request-intake.ts';
import { RequestPool } from './request-pool.ts';
import { SlabSource } from './slab.ts';
import { SlowCommands } from './slow-commands.ts';
import { submitFlush, submitWhole } from './submit.ts';
import type { TransmissionHost, TransmissionOptions } from './transmission-host.ts';

/** Data of a request that is refused are read and dropped up to this size; more is taken for an attack. */
const LARGEST_DROPPED = 64 * 2 ** 20;

/**
 * Payloads that wait for the socket, beyond which no further request is taken: reading ahead of a client that cannot keep up
 * only drives what is waiting out of the processor's cache. Large reads become a sixth faster by it.
 */
const MAX_UNSENT: number = 2 ** 20;

/** The second phase of a connection: requests and replies. Requests are served in any order, many at a time. */
export class Transmission implements RequestOwner, RequestTaker, ReplySender {
  readonly exported: Export;
  readonly intake: RequestIntake;
  /** No request will come any more. */
  ending = false;
  readonly #host: TransmissionHost;
  readonly #dialect: Dialect;
  readonly #holdings: Holdings;
  readonly #slabs: SlabSource;
  readonly #arenas: ArenaSource;
  readonly #payloads: Payloads;
  readonly #replies: ReplyQueue;
  readonly #checks: RequestChecks;
  readonly #slow: SlowCommands;
  readonly #maxBufferedBytes: number;
  readonly #maxRequests: number;
  readonly #requests = new RequestPool(this);
  #inflight = 0;

  constructor(options: TransmissionOptions, host: TransmissionHost) {
    const { socket, exported, agreement, pool, receiveBuffer } = options;
    this.exported = exported;
    this.#host = host;
    this.#dialect = agreement.dialect;
    this.#holdings = new Holdings(pool);
    this.#slabs = new SlabSource(this.#holdings, receiveBuffer);
    this.#payloads = new Payloads(this.#holdings, this.#slabs);
    this.intake = new RequestIntake(this, this.#slabs, agreement.dialect.requestBytes);
    this.#arenas = new ArenaSource(this.#holdings);
    this.#replies = new ReplyQueue(socket, this);
    this.#checks = new RequestChecks(exported, agreement);
    this.#slow = new SlowCommands({
      exported,
      agreement,
      payloads: this.#payloads,
      holdings: this.#holdings,
      checks: this.#checks,
      isWanted: () => !this.ending && !this.#checks.shuttingDown,
    });
    this.#maxBufferedBytes = options.maxBufferedBytes;
    this.#maxRequests = options.maxRequests;
    exported.lock.writers.add(this.#requests);
  }

  get blocked(): boolean {
    return (
      this.#holdings.bytes >= this.#maxBufferedBytes ||
      this.#replies.payloadBytes >= MAX_UNSENT ||
      this.#inflight >= this.#maxRequests
    );
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
    this.#checks.shuttingDown = true;
    if (this.idle) this.finish();
  }

  begin(buffer: Buffer, at: number): Request | null {
    const dialect = this.#dialect;
    if (!hasRequestMagic(buffer, at, dialect)) {
      this.#cutOff('a request without its magic number');
      return null;
    }
    if (readCommand(buffer, at) === NbdCommand.Disconnect) {
      this.finish();
      return null;
    }
    const request = this.#requests.get();
    if (!readRequest(request, buffer, at, dialect)) {
      this.#requests.put(request);
      this.#cutOff('a write that does not say how many data it has');
      return null;
    }
    this.#checks.check(request);
    placeReply(request, dialect, this.#arenas, buffer, at + RequestField.Cookie);
    request.cost = costOf(request.command);
    this.#holdings.bytes += request.cost;
    this.#inflight++;
    if (request.incoming > 0) return this.#accept(request);
    this.start(request);
    return null;
  }

  mayBorrow(request: Request): boolean {
    return (
      request.error === NbdError.None &&
      !request.crooked &&
      !this.exported.lock.busy &&
      request.command === NbdCommand.Write
    );
  }

  provide(request: Request): void {
    if (request.error !== NbdError.None) return;
    if (request.command === NbdCommand.Write) this.#payloads.take(request, this.exported.block);
    else request.payload = this.#holdings.take(request.incoming);
  }

  start(request: Request): void {
    const { command, length } = request;
    const { port } = this.exported;
    if (request.error !== NbdError.None) this.#answer(request);
    else if (command === NbdCommand.Flush) submitFlush(request, port);
    else if (length === 0 && command !== NbdCommand.BlockStatus) this.#answer(request);
    else if (isHeavy(command) || this.#mustTakeCare(request)) void this.#performSlowly(request);
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
    if (status !== Status.Ok) {
      request.error = nbdErrorOf(status);
      request.reason = codeOfErrno(status);
    }
    this.#answer(request);
  }

  sent(request: Request): void {
    this.#payloads.give(request);
    this.#arenas.release(request.arena!);
    this.#holdings.bytes -= request.cost;
    this.#requests.put(request);
  }

  batchSent(): void {
    if (this.#checks.shuttingDown && this.idle) this.finish();
    this.#finishIfIdle();
    if (!this.ending && !this.blocked) this.#host.unblocked();
  }

  #finishIfIdle(): void {
    if (!this.ending || !this.idle) return;
    this.exported.lock.writers.delete(this.#requests);
    this.#host.finished();
  }

  #cutOff(message: string): void {
    this.#host.violation(message);
    this.finish();
  }

  /** A request with data, unless there are too many to drop. */
  #accept(request: Request): Request | null {
    if (request.error === NbdError.None || request.incoming <= LARGEST_DROPPED) return request;
    this.#inflight--;
    this.sent(request);
    this.#cutOff(`a request with ${String(request.incoming)} bytes of data`);
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

  async #performSlowly(request: Request): Promise<void> {
    await this.#slow.perform(request);
    this.#answer(request);
  }

  #answer(request: Request): void {
    this.#inflight--;
    if (request.writing) {
      request.writing = false;
      if (this.exported.lock.busy) this.exported.lock.settle(request.sector, request.count);
    }
    if (!finishReply(request, this.#dialect, this.exported)) this.#payloads.give(request);
    this.#replies.push(request);
  }
}
