import {
  type Bio,
  BioOp,
  codeOfErrno,
  type EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type FilterContext,
  hasOp,
  type InterposerError,
  type Limits,
  opSet,
  type Port,
  PreResult,
  Status,
} from '@interposer/core';
import { cachedExtents } from './cached-extents.ts';
import { Intake } from './intake.ts';
import { MergedReads } from './merged-reads.ts';
import { SegmentIndex } from './segment-index.ts';
import { Store } from './store.ts';
import { chooseSurvivors, type CutOptions, type CutReport } from './survivors.ts';
import { Traffic } from './traffic.ts';
import { Worker } from './worker.ts';

/** Bytes of a cache that is not told its size. */
export const DEFAULT_CAPACITY: number = 64 * 2 ** 20;

/** What a cache is made of: the context of its filter, and its size. */
export interface VolatileCacheOptions extends Pick<FilterContext, 'port' | 'log'> {
  /** In bytes; `DEFAULT_CAPACITY` if it is left out. */
  readonly capacity?: number;
}

/**
 * The volatile write-back cache of a disk, for a filter whose methods call those of the same names here. Writes are
 * acknowledged when they are in the cache, and the device below gets them at a flush, or when the cache is full. A power cut
 * loses, keeps or tears what no flush covered.
 */
export class VolatileCache {
  readonly #port: Port;
  readonly #log: (message: string) => void;
  readonly #traffic: Traffic;
  readonly #store: Store = new Store();
  readonly #reads: MergedReads;
  readonly #worker: Worker;
  readonly #intake: Intake;
  #power: 'on' | 'cutting' | 'off' = 'on';
  /** The last attempt to write below failed, which was logged. */
  #isFailing = false;

  constructor({ port, log, capacity = DEFAULT_CAPACITY }: VolatileCacheOptions) {
    this.#port = port;
    this.#log = log;
    this.#traffic = new Traffic(port);
    this.#reads = new MergedReads(this.#store.newest, port, this.#traffic);
    this.#worker = new Worker(port, this.#store, this.#traffic, {
      flushed: (status) => {
        this.#note(status);
      },
      evicted: (status) => {
        this.#note(status);
        this.#intake.evicted(status);
      },
    });
    this.#intake = new Intake(port, this.#store, this.#worker, this.#traffic, capacity);
  }

  /** `cutting` from the beginning of a power cut until its survivors are on the device below. */
  get power(): 'on' | 'cutting' | 'off' {
    return this.#power;
  }

  /** How many writes, discards and write-zeroes no flush covered yet. */
  get records(): number {
    return this.#store.records.count;
  }

  /** What they take of the capacity. */
  get bytes(): number {
    return this.#store.used;
  }

  get isEmpty(): boolean {
    return this.#store.isEmpty;
  }

  /** In bytes. Records that are there already may stay when it becomes less. */
  get capacity(): number {
    return this.#intake.capacity;
  }

  set capacity(bytes: number) {
    this.#intake.capacity = bytes;
  }

  /**
   * Of a filter's `pre`: `Complete`, `Watch` or `Taken`. A write that is not to be `cached` goes past the cache, as one with FUA
   * always does: it ends when the device below has done it, and what is cached of its sectors and came before it is void then.
   */
  pre(bio: Bio, cached = true): PreResult {
    if (this.#power !== 'on') {
      bio.result = Status.Io;
      return PreResult.Complete;
    }
    switch (bio.op) {
      case BioOp.Read:
        return this.#store.has(bio) ? this.#reads.start(bio) : this.#traffic.pass();
      case BioOp.Flush:
        return this.#flush(bio);
      default:
        return cached ? this.#intake.take(bio) : this.#intake.goPast(bio);
    }
  }

  /** Of a filter's `post`: to be called for each bio that `pre` answered `Watch` for. Fails it if the power went off. */
  post(bio: Bio): EndResult {
    return this.#traffic.endIo(bio);
  }

  /** As `pre`, for a bio that the filter had taken and held; `post` is not to be called for it. */
  forward(bio: Bio, cached = true): void {
    const verdict = this.pre(bio, cached);
    if (verdict === PreResult.Complete) bio.complete(bio.result);
    else if (verdict === PreResult.Watch) this.#traffic.send(bio);
  }

  /** Makes everything stable that was acknowledged. Rejects with the code of a failure below, or EIO without power. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (status: Status): void => {
        if (status === Status.Ok) resolve();
        else reject(this.#failure('the cached data', status));
      };
      if (this.#power === 'on') this.#worker.flush(null, done);
      else reject(fail('EIO', `the power of ${this.#port.device.name} is off`));
    });
  }

  /**
   * The power fails: every bio from now on, and every one that is under way, ends with an I/O error; the survivors are written
   * below and flushed, all else is gone. EALREADY where the power is off or being cut; if the survivors cannot be written it
   * rejects with the code of that failure, with the power off.
   */
  async cut(options: CutOptions): Promise<CutReport> {
    if (this.#power !== 'on') throw this.#already(this.#power === 'off' ? 'off' : 'being cut');
    this.#power = 'cutting';
    this.#traffic.isCut = true;
    this.#intake.fail(Status.Io);
    this.#worker.stop();
    await this.#traffic.none();
    const survivors = new SegmentIndex();
    const unit = Math.max(options.unit, this.#port.limits.logicalBlock);
    const report = chooseSurvivors(this.#store, { ...options, unit }, (record, start, end) => {
      this.#store.collectPart(survivors, record, start, end);
    });
    const status = await this.#worker.writeOut(survivors);
    this.#store.dropUpTo(Infinity);
    this.#intake.reset();
    this.#isFailing = false;
    this.#power = 'off';
    if (status !== Status.Ok) throw this.#failure('what survived the power cut', status);
    return report;
  }

  /** The power is back, with an empty cache. EALREADY where it is on, EBUSY while it is being cut. */
  on(): void {
    if (this.#power === 'on') throw this.#already('on');
    if (this.#power === 'cutting') throw fail('EBUSY', `the power of ${this.#port.device.name} is being cut`);
    this.#power = 'on';
    this.#traffic.isCut = false;
  }

  /** Allocation as seen above the cache. */
  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return cachedExtents(this.#store.newest, below, sector, count);
  }

  /** With a cache writes need a flush to be stable, so there is one, whether the device below has it or not. */
  limits(below: Limits): Limits {
    return { ...below, volatileCache: true, ops: below.ops | opSet(BioOp.Flush) };
  }

  /** A reason why the filter cannot go now. */
  queryDetach(): string | undefined {
    return this.#power === 'cutting' ? 'its power is being cut' : undefined;
  }

  /**
   * Makes everything stable, and caches nothing more until `resume`, for the filter is about to go. Rejects as `flush` does;
   * then nothing is lost, and the cache is at work as before.
   */
  async predetach(): Promise<void> {
    this.#intake.isClosed = true;
    try {
      while (this.#power === 'on' && !this.isEmpty) await this.flush();
    } catch (error) {
      this.#intake.isClosed = false;
      throw error;
    }
  }

  /** The filter stays where it is. */
  resume(): void {
    this.#intake.isClosed = false;
  }

  /** Forgets everything. After an orderly detach there is nothing; else it is lost, as in a power cut that keeps nothing. */
  detach(): void {
    this.#traffic.isCut = true;
    this.#intake.abandon();
    this.#worker.abandon();
    this.#store.abandon();
  }

  #flush(bio: Bio): PreResult {
    const isFlushable = hasOp(this.#port.limits.ops, BioOp.Flush);
    if (isFlushable && this.#store.isEmpty && this.#worker.isIdle) return this.#traffic.pass();
    this.#worker.flush(bio);
    return PreResult.Taken;
  }

  /** Once for all that fails in a row. */
  #note(status: Status): void {
    const isFailing = status !== Status.Ok;
    if (isFailing && !this.#isFailing) this.#log(this.#failure('the cached data', status).message);
    this.#isFailing = isFailing;
  }

  #failure(what: string, status: Status): InterposerError {
    const code = codeOfErrno(status);
    return fail(
      code,
      `${what} of ${this.#port.device.name} could not be written to the device below: ${code}`,
    );
  }

  #already(state: string): InterposerError {
    return fail('EALREADY', `the power of ${this.#port.device.name} is ${state} already`);
  }
}
