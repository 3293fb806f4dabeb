import {
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
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { Journal } from './journal.ts';
import type { JournalContext } from './journal-context.ts';
import type { Layout } from './layout.ts';
import { type Request, Requests } from './request.ts';
import type { TagPages } from './tag-pages.ts';

/**
 * The way of data with a journal: what is written goes there, data and tags together; what is read comes from its place, but
 * for what the journal has.
 */
export class JournalPath implements Frame {
  readonly journal: Journal;
  readonly #layout: Layout;
  readonly #port: Port;
  readonly #tags: TagPages;
  readonly #requests: Requests = new Requests((request) => this.#onTags(request));
  /** Writes that wait for room, in the order they came. */
  readonly #waiting: Bio[] = [];
  #holder: Holder | null = null;

  constructor(context: Omit<JournalContext, 'onRoom' | 'onFailure'>) {
    this.#layout = context.layout;
    this.#port = context.port;
    this.#tags = context.tags;
    this.journal = new Journal({
      ...context,
      onRoom: () => this.#admit(),
      onFailure: () => this.#giveUp(),
    });
  }

  map(bio: Bio): MapResult {
    this.#holder = bio.holder;
    if (bio.op === BioOp.Read) this.#read(bio);
    else if (bio.op === BioOp.Flush) void this.#commitFor(bio);
    else if (this.#waiting.length > 0 || this.#blocksOf(bio) > this.journal.room) this.#wait(bio);
    else this.#write(bio);
    return MapResult.Submitted;
  }

  /** The data is read. */
  endIo(bio: Bio, cookie: number): EndResult {
    const request = this.#requests.at(cookie);
    request.restore(bio);
    if (bio.status !== Status.Ok) request.status = bio.status;
    request.waiting--;
    if (request.waiting === 0 && this.#finish(request)) {
      bio.status = request.status;
      this.#requests.put(request);
      return EndResult.Done;
    }
    bio.reopen();
    bio.holder = this.#holder;
    if (request.waiting === 0) this.#start(request);
    return EndResult.Incomplete;
  }

  #blocksOf({ count }: Bio): number {
    return count / this.#layout.geometry.blockSectors;
  }

  #write(bio: Bio): void {
    const { blockSectors, tagSize } = this.#layout.geometry;
    const tags = bio.integrityRate === 0 ? null : bio.integrity;
    const blocks = this.#blocksOf(bio);
    for (let block = 0; block < blocks; block++) {
      const sector = bio.sector + block * blockSectors;
      const at = bio.bufferOffset + block * blockSectors * SECTOR_SIZE;
      this.journal.put(sector, bio.buffer, at, tags, bio.integrityOffset + block * tagSize);
    }
    if ((bio.flags & BioFlag.Fua) === 0) bio.complete(Status.Ok);
    else void this.#commitFor(bio);
    this.journal.settle();
  }

  #wait(bio: Bio): void {
    this.#waiting.push(bio);
    if (this.#waiting.length === 1) this.journal.empty();
  }

  /** There is more room. */
  #admit(): void {
    while (this.#waiting.length > 0 && this.#blocksOf(this.#waiting[0]!) <= this.journal.room) {
      const bio = this.#waiting.shift()!;
      // Core may have failed it meanwhile, for the device is lost.
      if (bio.status === Status.Pending) this.#write(bio);
    }
    if (this.#waiting.length > 0) this.journal.empty();
  }

  #giveUp(): void {
    for (const bio of this.#waiting.splice(0)) bio.complete(Status.Io);
  }

  async #commitFor(bio: Bio): Promise<void> {
    let status: Status = Status.Ok;
    try {
      await this.journal.commit();
    } catch (error) {
      status = isInterposerError(error) ? ERROR_CODES[error.code].errno : Status.Io;
    }
    bio.complete(status);
  }

  #read(bio: Bio): void {
    const request = this.#requests.get(bio, false);
    if (this.#hasAll(request)) {
      this.#overlay(request);
      this.#requests.put(request);
      bio.complete(Status.Ok);
      return;
    }
    this.#start(request);
  }

  #hasAll({ begin, end }: Request): boolean {
    if (this.journal.isEmpty) return false;
    const { blockSectors } = this.#layout.geometry;
    for (let sector = begin; sector < end; sector += blockSectors)
      if (!this.journal.has(sector)) return false;
    return true;
  }

  #start(request: Request): void {
    const bio = request.bio!;
    request.waiting = 1;
    request.stamp = this.journal.removals;
    if (bio.integrityRate !== 0) {
      request.tagOffset = this.#layout.tagOffset(bio.sector);
      request.tagBytes = integrityBytes(bio, bio.count);
      this.#tags.hold(request);
    }
    bio.watch(this, request.index);
    bio.integrityRate = 0;
    bio.sector = this.#layout.dataSector(bio.sector);
    this.#port.forward(bio);
  }

  /** The last page of tags is there, after the data. */
  #onTags(request: Request): void {
    const bio = request.bio!;
    if (!this.#finish(request)) {
      this.#start(request);
      return;
    }
    const { status } = request;
    this.#requests.put(request);
    bio.complete(status);
  }

  /** False if blocks went to their places while they were read: it is to be started again. */
  #finish(request: Request): boolean {
    const hasTags = request.integrityRate !== 0;
    const isGood = request.status === Status.Ok && request.stamp === this.journal.removals;
    if (isGood && hasTags) this.#tags.transfer(request);
    if (hasTags) this.#tags.release(request);
    if (isGood) this.#overlay(request);
    return isGood || request.status !== Status.Ok;
  }

  /** What the journal has is newer. */
  #overlay({ bio, begin, end, integrity, integrityOffset, integrityRate }: Request): void {
    if (this.journal.isEmpty) return;
    const { blockSectors, tagSize } = this.#layout.geometry;
    const tags = integrityRate === 0 ? null : integrity;
    const { buffer, bufferOffset } = bio!;
    for (let block = 0; begin + block * blockSectors < end; block++) {
      const at = bufferOffset + block * blockSectors * SECTOR_SIZE;
      this.journal.take(begin + block * blockSectors, buffer, at, tags, integrityOffset + block * tagSize);
    }
  }
}
