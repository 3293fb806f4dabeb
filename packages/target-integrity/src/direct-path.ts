import {
  asError,
  type Bio,
  BioFlag,
  BioOp,
  EndResult,
  ERROR_CODES,
  type Frame,
  type Holder,
  integrityBytes,
  isInterposerError,
  MapResult,
  type Port,
  Status,
} from '@interposer/core';
import type { Layout } from './layout.ts';
import { Ranges } from './ranges.ts';
import { type Request, Requests } from './request.ts';
import type { TagPages } from './tag-pages.ts';

/** The way of data without a journal: it goes to its place at once, and its tags to theirs when they are flushed. */
export class DirectPath implements Frame {
  readonly #layout: Layout;
  readonly #port: Port;
  readonly #tags: TagPages;
  readonly #ranges: Ranges = new Ranges();
  readonly #requests: Requests = new Requests((request) => this.#onTags(request));
  readonly #log: (message: string) => void;
  /** Who has the bios that are here: named when a drain takes too long. */
  #holder: Holder | null = null;

  constructor(layout: Layout, port: Port, tags: TagPages, log: (message: string) => void) {
    this.#layout = layout;
    this.#port = port;
    this.#log = log;
    this.#tags = tags;
  }

  map(bio: Bio): MapResult {
    this.#holder = bio.holder;
    if (bio.op === BioOp.Flush) {
      void this.#flushFor(bio);
      return MapResult.Submitted;
    }
    if (bio.integrityRate === 0) {
      // Who brings no tags leaves those there are.
      bio.port = this.#port;
      bio.sector = this.#layout.dataSector(bio.sector);
      return MapResult.Remapped;
    }
    const request = this.#requests.get(bio, bio.op === BioOp.Write);
    request.tagOffset = this.#layout.tagOffset(bio.sector);
    request.tagBytes = integrityBytes(bio, bio.count);
    if (this.#ranges.enter(request)) this.#start(request);
    return MapResult.Submitted;
  }

  /** The data is read or written. */
  endIo(bio: Bio, cookie: number): EndResult {
    const request = this.#requests.at(cookie);
    request.restore(bio);
    if (bio.status !== Status.Ok) request.status = bio.status;
    request.waiting--;
    if (request.waiting === 0 && this.#finish(request)) {
      bio.status = request.status;
      this.#leave(request);
      return EndResult.Done;
    }
    bio.reopen();
    bio.holder = this.#holder;
    return EndResult.Incomplete;
  }

  /** Writes the tags that were changed, and makes all of it stable. */
  async flush(): Promise<void> {
    await this.#tags.flush();
    await this.#port.flush();
  }

  readonly #start = (request: Request): void => {
    const bio = request.bio!;
    // Core may have failed it meanwhile, for the device is lost.
    if (bio.status !== Status.Pending) {
      this.#leave(request, false);
      return;
    }
    request.waiting = 1;
    this.#tags.hold(request);
    bio.watch(this, request.index);
    bio.integrityRate = 0;
    // Tags come after data: only when both are written the flush for them is of use.
    bio.flags &= ~BioFlag.Fua;
    bio.sector = this.#layout.dataSector(bio.sector);
    this.#port.forward(bio);
  };

  /** The last page of tags is there, after the data. */
  #onTags(request: Request): void {
    if (this.#finish(request)) this.#complete(request);
  }

  /** All there is: true if the request is done with that. */
  #finish(request: Request): boolean {
    if (request.status === Status.Ok) this.#tags.transfer(request);
    if (request.status !== Status.Ok || (request.flags & BioFlag.Fua) === 0) return true;
    request.waiting = 1;
    void this.flush()
      .catch((error: unknown) => {
        request.status = this.#statusOf(error);
      })
      .then(() => this.#complete(request));
    return false;
  }

  #complete(request: Request): void {
    const bio = request.bio!;
    const { status } = request;
    this.#leave(request);
    bio.complete(status);
  }

  #leave(request: Request, holdsTags = true): void {
    if (holdsTags) this.#tags.release(request);
    this.#ranges.leave(request, this.#start);
    this.#requests.put(request);
  }

  async #flushFor(bio: Bio): Promise<void> {
    try {
      await this.#tags.flush();
    } catch (error) {
      bio.complete(this.#statusOf(error));
      return;
    }
    this.#port.forward(bio);
  }

  #statusOf(error: unknown): Status {
    this.#log(`tags could not be written: ${asError(error).message}`);
    return isInterposerError(error) ? ERROR_CODES[error.code].errno : Status.Io;
  }
}
