import { type Bio, BioOp, bioPool, EndResult, type Frame, hasOp, type Port, Status } from '@interposer/core';
import { Destager } from './destager.ts';
import { type Job, JobQueue } from './jobs.ts';
import { SegmentIndex } from './segment-index.ts';
import type { Store } from './store.ts';
import type { Traffic } from './traffic.ts';

/** What the worker tells its cache. */
export interface WorkerEvents {
  /** A flush ended. */
  flushed(status: Status): void;
  /** Records were written below to make room. */
  evicted(status: Status): void;
}

/**
 * Moves data below: flushes, evictions, and writes that go past the cache over cached data. One after another, in the order
 * they came, so that no older data can land on newer.
 */
export class Worker implements Frame {
  readonly #port: Port;
  readonly #store: Store;
  readonly #traffic: Traffic;
  readonly #events: WorkerEvents;
  readonly #destager: Destager;
  readonly #jobs: JobQueue = new JobQueue();
  /** What the job that runs writes. */
  readonly #index: SegmentIndex = new SegmentIndex();
  #running: Job | null = null;
  #starting = false;

  constructor(port: Port, store: Store, traffic: Traffic, events: WorkerEvents) {
    this.#port = port;
    this.#store = store;
    this.#traffic = traffic;
    this.#events = events;
    this.#destager = new Destager(port);
  }

  /** Whether nothing is to be done. */
  get isIdle(): boolean {
    return this.#running === null && this.#jobs.isEmpty;
  }

  /** Makes everything stable that was acknowledged before. Completes the bio, or calls back, when that is done or failed. */
  flush(bio: Bio | null, done: ((status: Status) => void) | null = null): void {
    const job = this.#jobs.add('flush', this.#store.last);
    job.bio = bio;
    job.done = done;
    this.#start();
  }

  /** Sends a write below; what is cached of its sectors and came before it is void when it is done. */
  supersede(bio: Bio): void {
    const job = this.#jobs.add('supersede', this.#store.takePlace());
    job.bio = bio;
    this.#start();
  }

  /** Writes the records up to a place in the order of arrival below, so that they need no room here. */
  evict(upTo: number): void {
    this.#jobs.add('evict', upTo);
    this.#start();
  }

  /** Writes an index and a flush below, with nothing else going on: of a stopped worker. */
  writeOut(index: SegmentIndex): Promise<Status> {
    return new Promise((resolve) => {
      this.#destager.start(index, (status) => {
        if (status === Status.Ok) this.#sendFlush(resolve);
        else resolve(status);
      });
    });
  }

  /** The power fails: what waits fails now, what is below comes back and fails. */
  stop(): void {
    this.#destager.stop();
    const running = this.#running;
    if (running?.kind === 'flush') answer(running, Status.Io);
    for (let job = this.#jobs.shift(); job !== null; job = this.#jobs.shift()) {
      answer(job, Status.Io);
      this.#jobs.recycle(job);
    }
  }

  /** As `stop`, where others have completed the bios that it held. */
  abandon(): void {
    this.#jobs.forgetBios();
    if (this.#running?.kind === 'flush') this.#running.bio = null;
    this.stop();
  }

  /** A write that goes past the cache is done. */
  endIo(bio: Bio): EndResult {
    const job = this.#running!;
    if (bio.status === Status.Ok) this.#store.supersede(bio.sector, bio.sector + bio.count, job.place);
    if (this.#traffic.isCut) bio.status = Status.Io;
    this.#finish(job);
    return EndResult.Done;
  }

  /** Runs jobs until one takes time. Also called when a job ends, which may be while it runs. */
  #start(): void {
    if (this.#starting) return;
    this.#starting = true;
    while (this.#running === null && !this.#traffic.isCut) {
      const job = this.#jobs.shift();
      if (job === null) break;
      this.#running = job;
      this.#traffic.enter();
      this.#run(job);
    }
    this.#starting = false;
  }

  #run(job: Job): void {
    if (job.kind === 'supersede') {
      const bio = job.bio!;
      bio.watch(this);
      this.#port.forward(bio);
      return;
    }
    this.#index.clear();
    this.#store.collect(this.#index, job.place);
    this.#destager.start(this.#index, this.#onDestaged);
  }

  readonly #onDestaged = (status: Status): void => {
    const job = this.#running!;
    if (job.kind === 'flush' && status === Status.Ok && !this.#traffic.isCut)
      this.#sendFlush(this.#onFlushed);
    else this.#end(job, status);
  };

  readonly #onFlushed = (status: Status): void => {
    this.#end(this.#running!, status);
  };

  #end(job: Job, status: Status): void {
    // In a power cut it was answered already, and what it wrote is for the cut to deal with.
    if (!this.#traffic.isCut) this.#tell(job, status);
    this.#finish(job);
  }

  #tell(job: Job, status: Status): void {
    if (status === Status.Ok) this.#store.dropUpTo(job.place);
    if (job.kind === 'evict') {
      this.#events.evicted(status);
      return;
    }
    this.#events.flushed(status);
    answer(job, status);
  }

  #finish(job: Job): void {
    this.#running = null;
    this.#jobs.recycle(job);
    this.#traffic.leave();
    this.#start();
  }

  /** What a device without flushes has written is stable. */
  #sendFlush(done: (status: Status) => void): void {
    if (!hasOp(this.#port.limits.ops, BioOp.Flush)) {
      done(Status.Ok);
      return;
    }
    const bio = bioPool.get();
    bio.op = BioOp.Flush;
    bio.tag = done;
    bio.end = onFlushEnd;
    this.#port.submit(bio);
  }
}

function onFlushEnd(bio: Bio): void {
  const done = bio.tag as (status: Status) => void;
  const { status } = bio;
  bioPool.put(bio);
  done(status);
}

/** Tells whoever asked for a job. */
function answer(job: Job, status: Status): void {
  const { bio, done } = job;
  job.bio = null;
  job.done = null;
  bio?.complete(status);
  done?.(status);
}
