import { type Bio, BioFlag, BioOp, bioPool, Status } from '@interposer/core';
import { LegError, type Legs } from './legs.ts';
import type { DirtyLog } from './log.ts';
import { type Regions, RegionState } from './regions.ts';
import { NO_REGION, RequestPool, RequestQueue, type WriteRequest } from './write-request.ts';

/** What the writer shares with the rest of the mirror. */
export interface WriterContext {
  readonly begin: number;
  readonly legs: Legs;
  readonly regions: Regions;
  readonly log: DirtyLog;
  readonly handleErrors: boolean;
  readonly keepLog: boolean;
  /** Regions were in sync and are no longer, because legs failed; the flag of the mirror follows. */
  readonly outOfSync: () => void;
  /** No write is under way any more in a region that waits for its copy. */
  readonly quiet: (region: number) => void;
  /** A region that is being recovered was written on some legs only: it is not to be recovered now. */
  readonly giveUpCopy: (region: number) => void;
  /** Regions of which a discard may have reached some legs only: they are to be copied. */
  readonly copyAgain: () => void;
}

/**
 * The way of writes, discards and flushes: to all legs where a region is in sync, to the default leg where it is not, and
 * later where it is being copied. Kernel: do_writes, do_failures.
 */
export class MirrorWriter {
  readonly #context: WriterContext;
  readonly #pool = new RequestPool();
  /** Behind regions that are being copied. */
  readonly #delayed = new RequestQueue();
  /** Failed ones that wait for another table. */
  readonly #held = new RequestQueue();
  #isSuspending = false;
  #hasWide = false;
  /** What each leg answers its children with; made once, for a child must know its leg. */
  readonly #ends: readonly ((child: Bio) => void)[];

  constructor(context: WriterContext) {
    this.#context = context;
    this.#ends = context.legs.all.map((_, leg) => (child: Bio) => {
      this.#ended(child, leg);
    });
  }

  /** Whether a request of several regions waits for copies: with one after the other it could wait for the whole resync. */
  get hasWide(): boolean {
    return this.#hasWide;
  }

  /** Owns the bio from here. */
  take(bio: Bio): void {
    const { regions, begin } = this.#context;
    if (bio.op === BioOp.Flush) {
      this.#proceed(this.#pool.get(bio, NO_REGION, NO_REGION));
      return;
    }
    const sector = bio.sector - begin;
    const first = regions.at(sector);
    // A read or write lies in one region; a discard may lie in many.
    const last = bio.op === BioOp.Write ? first : regions.at(sector + bio.count - 1);
    this.#admit(this.#pool.get(bio, first, last));
  }

  /** A region's copy is over: those that waited look again. */
  readonly readmit = (): void => {
    this.#hasWide = false;
    this.#delayed.drain(this.#admit);
  };

  /** Goes on with a request whose regions are marked in the log, or whose log failed. */
  readonly marked = (request: WriteRequest): void => {
    this.#proceed(request);
  };

  /** Failed requests are given back: the next table gets them, if there is to be one, and else they are errors. */
  suspend(): void {
    this.#isSuspending = true;
    this.#held.drain(this.#giveBack);
  }

  resume(): void {
    this.#isSuspending = false;
  }

  readonly #admit = (request: WriteRequest): void => {
    const { regions, log } = this.#context;
    const { firstRegion, lastRegion } = request;
    if (isGone(request)) {
      this.#pool.put(request);
      return;
    }
    for (let region = firstRegion; region <= lastRegion; region++) {
      if (regions.state(region) !== RegionState.Recovering) continue;
      this.#delayed.push(request);
      this.#hasWide ||= firstRegion < lastRegion;
      return;
    }
    let isMarked = true;
    for (let region = firstRegion; region <= lastRegion; region++) {
      regions.enter(region);
      if (!log.mark(region)) isMarked = false;
    }
    if (isMarked) this.#proceed(request);
    else log.wait(request);
  };

  #proceed(request: WriteRequest): void {
    const { legs, log, handleErrors, keepLog } = this.#context;
    if (isGone(request)) {
      this.#done(request, Status.NoDev);
      return;
    }
    request.goesToAll = request.bio!.op !== BioOp.Write || this.#isShared(request.firstRegion);
    if (!request.goesToAll) {
      if (handleErrors && !keepLog && legs.anyFailed) this.#failed(request);
      else this.#sendToFirst(request);
    } else if (log.failed && handleErrors) this.#failed(request);
    else this.#sendToAll(request);
  }

  /** Whether writes of a region go to all legs. It may have changed while the log was written. */
  #isShared(region: number): boolean {
    const state = this.#context.regions.state(region);
    return state === RegionState.InSync || state === RegionState.GivenUp;
  }

  #sendToFirst(request: WriteRequest): void {
    request.remaining = 1;
    this.#send(request, this.#context.legs.first);
  }

  #sendToAll(request: WriteRequest): void {
    const { length } = this.#context.legs.all;
    request.remaining = length;
    for (let leg = 0; leg < length; leg++) this.#send(request, leg);
  }

  #send(request: WriteRequest, leg: number): void {
    const bio = request.bio!;
    const { port, offset } = this.#context.legs.all[leg]!;
    const child = bioPool.get();
    child.op = bio.op;
    child.flags = bio.flags & BioFlag.Fua;
    // A flush has no place.
    child.sector = bio.op === BioOp.Flush ? 0 : bio.sector - this.#context.begin + offset;
    child.count = bio.count;
    child.buffer = bio.buffer;
    child.bufferOffset = bio.bufferOffset;
    child.tag = request;
    child.end = this.#ends[leg]!;
    port.submit(child);
  }

  #ended(child: Bio, leg: number): void {
    const request = child.tag as WriteRequest;
    const { status } = child;
    bioPool.put(child);
    if (status !== Status.Ok) {
      request.failed |= 1 << leg;
      if (request.status === Status.Ok) request.status = status;
    }
    if (--request.remaining > 0) return;
    if (request.failed === 0 || !request.goesToAll) this.#done(request, request.status);
    else if (request.bio!.op === BioOp.Discard) this.#discardFailed(request);
    else this.#legsFailed(request);
  }

  #legsFailed(request: WriteRequest): void {
    this.#context.legs.failAll(request.failed, LegError.Write);
    this.#failed(request);
  }

  /**
   * A write that did not reach all it should: without a leg that holds it, it is an error; with one it waits for another
   * table, or is as good as done where nobody asked for more. It is never done if the default leg does not hold it.
   */
  #failed(request: WriteRequest): void {
    const { legs, log, handleErrors, keepLog } = this.#context;
    const logFailed = log.failed && handleErrors;
    if (!logFailed) this.#markOutOfSync(request);
    const lost = (request.failed & (1 << legs.first)) !== 0;
    if (!legs.anyAlive || (keepLog && logFailed)) this.#done(request, Status.Io);
    else if (handleErrors && !keepLog) this.#hold(request);
    else this.#done(request, lost ? Status.Io : Status.Ok);
  }

  /** Some legs hold the write and some do not. After a failed flush that is true of nobody knows which regions. */
  #markOutOfSync({ firstRegion, lastRegion }: WriteRequest): void {
    const { legs, regions, log, outOfSync, giveUpCopy } = this.#context;
    if (firstRegion === NO_REGION) {
      log.stayDirty();
      legs.loseCache();
    }
    for (let region = Math.max(0, firstRegion); region <= lastRegion; region++) {
      if (regions.state(region) === RegionState.Recovering) giveUpCopy(region);
      regions.setState(region, RegionState.NoSync);
    }
    outOfSync();
  }

  #hold(request: WriteRequest): void {
    if (this.#isSuspending) this.#giveBack(request);
    else this.#held.push(request);
  }

  readonly #giveBack = (request: WriteRequest): void => {
    this.#done(request, Status.Requeue);
  };

  /** No leg is to blame, but what it left on them may differ. */
  #discardFailed(request: WriteRequest): void {
    const status = request.status === Status.NotSup ? Status.NotSup : Status.Io;
    this.#markOutOfSync(request);
    this.#done(request, status);
    this.#context.copyAgain();
  }

  #done(request: WriteRequest, status: Status): void {
    const { regions, log, quiet } = this.#context;
    const { firstRegion, lastRegion } = request;
    for (let region = Math.max(0, firstRegion); region <= lastRegion; region++) {
      if (!regions.leave(region)) continue;
      const state = regions.state(region);
      if (state === RegionState.Recovering) quiet(region);
      else if (state === RegionState.InSync) log.idle(region);
    }
    const bio = request.bio!;
    this.#pool.put(request);
    bio.complete(status);
  }
}

/** Core failed the bio while it waited here, for the device is lost: its buffer may hold something else by now. */
function isGone({ bio }: WriteRequest): boolean {
  return bio!.status !== Status.Pending;
}
