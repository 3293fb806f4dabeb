import {
  ALL_OPS,
  type Bio,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterType,
  type Frame,
  type Port,
  PreResult,
} from '@interposer/core';

/**
 * A filter between the faults and the cache of a disk. While it pauses, requests wait above it, in their order, and none is
 * below: what is there can be copied or replaced as a whole. Requests that a fault holds back are above it, too, and stay there.
 */
export class Pause implements Filter, Frame {
  /** To attach it by. */
  readonly type: FilterType = defineFilter({
    name: 'pause',
    version: [1, 0, 0],
    altitude: '40000',
    ops: ALL_OPS,
    params: [],
    attach: (context) => {
      this.#port = context.port;
      return this;
    },
  });
  #port: Port | null = null;
  /** Requests below. */
  #inside = 0;
  #paused = false;
  #waiting: Bio[] = [];
  #whenEmpty: () => void = () => undefined;
  #last: Promise<unknown> = Promise.resolve();

  pre(bio: Bio): PreResult {
    if (this.#paused) {
      this.#waiting.push(bio);
      return PreResult.Taken;
    }
    this.#inside++;
    return PreResult.Watch;
  }

  post(): EndResult {
    return this.endIo();
  }

  endIo(): EndResult {
    if (--this.#inside === 0) this.#whenEmpty();
    return EndResult.Done;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return '';
  }

  detach(): void {
    this.#port = null;
  }

  /** Runs work on the disk below while no request of clients is there; one such work at a time. ESHUTDOWN after the disk is closed. */
  run<Result>(work: (below: Port) => Promise<Result>): Promise<Result> {
    return this.between(() => this.#runAlone(work));
  }

  /** Runs work that keeps no requests away, but comes neither in the middle of what `run` does nor the other way round. */
  between<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #runAlone<Result>(work: (below: Port) => Promise<Result>): Promise<Result> {
    if (this.#port === null) throw fail('ESHUTDOWN', 'the disk is closed');
    this.#paused = true;
    try {
      if (this.#inside > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
      return await work(this.#port);
    } finally {
      this.#whenEmpty = () => undefined;
      this.#paused = false;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const bio of waiting) this.#sendOn(bio);
    }
  }

  #sendOn(bio: Bio): void {
    // One that was taken from us has an end already: its disk was closed.
    if (bio.abandoned) return;
    this.#inside++;
    bio.watch(this);
    this.#port!.forward(bio);
  }
}
