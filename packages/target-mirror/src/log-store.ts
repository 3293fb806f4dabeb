import { type Port, SECTOR_SIZE } from '@interposer/core';
import { type LogImage, sectorOfBit } from './log-format.ts';
import { RequestQueue, type WriteRequest } from './write-request.ts';

/** Whom the store tells what comes of the writes. */
export interface LogStoreWatcher {
  /** The marks that a request waited for are on disk; or they could not be written, which is told before. */
  readonly marked: (request: WriteRequest) => void;
  readonly failed: (what: 'write' | 'flush') => void;
}

/**
 * Brings the bits of a log to disk: the sectors that changed, one write at a time; all marks made meanwhile go with the next
 * one. Marks are flushed, for data may be written when they are there; that a region is clean may get lost.
 */
export class LogStore {
  readonly #port: Port;
  readonly #image: LogImage;
  readonly #watcher: LogStoreWatcher;
  /** Sectors of a block of the device. */
  readonly #block: number;
  /** A byte for each region: the disk may say that it is clean. */
  readonly #mayBeClean: Uint8Array;
  /** Regions marked since the last write began. */
  #marks: number[] = [];
  /** Requests that wait for the next write, and for the one under way. */
  #waiting = new RequestQueue();
  #covered = new RequestQueue();
  /** The changed sectors: the first, and the one behind the last. */
  #from = Infinity;
  #to = 0;
  #needsFlush = false;
  #isRunning = false;
  #ended: Promise<void> = Promise.resolve();

  /** Resolves when no write is under way. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  constructor(port: Port, image: LogImage, regions: number, watcher: LogStoreWatcher) {
    this.#port = port;
    this.#image = image;
    this.#watcher = watcher;
    this.#block = port.limits.logicalBlock / SECTOR_SIZE;
    this.#mayBeClean = new Uint8Array(regions);
  }

  /** Rejects where the device cannot be read. */
  async read(): Promise<void> {
    const { bytes } = this.#image;
    await this.#port.read(0, bytes.length / SECTOR_SIZE, bytes);
  }

  /**
   * Writes all of the log as it is in memory, and flushes it. The header comes last, for with it the bits are believed: those
   * that were on the disk before might say that regions are clean.
   */
  async writeAll(): Promise<void> {
    await this.write();
    for (let region = 0; region < this.#mayBeClean.length; region++) {
      if (this.#image.isClean(region)) this.#mayBeClean[region] = 1;
    }
    this.#touch(this.#block, this.#image.bytes.length / SECTOR_SIZE, true);
    await this.write();
    this.#touch(0, this.#block, true);
    await this.write();
  }

  /** Marks a region. True: it is marked on disk. */
  mark(region: number): boolean {
    if (this.#mayBeClean[region] === 0) return true;
    if (this.#image.isClean(region)) {
      this.#image.set(region, false);
      this.#marks.push(region);
      this.#touchBit(region, true);
    }
    return false;
  }

  /** Calls back when the marks made so far are on disk. */
  wait(request: WriteRequest): void {
    this.#waiting.push(request);
    void this.write();
  }

  /** Takes effect with the next write. */
  clean(region: number): void {
    this.#image.set(region, true);
    this.#mayBeClean[region] = 1;
    this.#touchBit(region, false);
  }

  /** Writes what changed. Resolves, whatever comes of it, when nothing is under way. */
  write(): Promise<void> {
    if (!this.#isRunning) this.#ended = this.#run();
    return this.#ended;
  }

  /** After a failure what changed waits for the next request: somebody has to need it. */
  async #run(): Promise<void> {
    let hasFailed = false;
    this.#isRunning = true;
    while (!this.#waiting.isEmpty || (this.#from < this.#to && !hasFailed)) {
      [this.#waiting, this.#covered] = [this.#covered, this.#waiting];
      const marks = this.#marks;
      this.#marks = [];
      hasFailed = this.#from < this.#to && !(await this.#writeOnce());
      if (hasFailed) this.#marks = marks.concat(this.#marks);
      else for (const region of marks) if (!this.#image.isClean(region)) this.#mayBeClean[region] = 0;
      this.#covered.drain(this.#watcher.marked);
    }
    this.#isRunning = false;
  }

  async #writeOnce(): Promise<boolean> {
    const from = this.#from - (this.#from % this.#block);
    const to = Math.ceil(this.#to / this.#block) * this.#block;
    const flush = this.#needsFlush;
    this.#from = Infinity;
    this.#to = 0;
    this.#needsFlush = false;
    let doing: 'write' | 'flush' = 'write';
    try {
      await this.#port.write(from, this.#image.bytes.subarray(from * SECTOR_SIZE, to * SECTOR_SIZE));
      doing = 'flush';
      if (flush) await this.#port.flush();
      return true;
    } catch {
      this.#touch(from, to, flush);
      this.#watcher.failed(doing);
      return false;
    }
  }

  #touchBit(region: number, needsFlush: boolean): void {
    const sector = sectorOfBit(region);
    this.#touch(sector, sector + 1, needsFlush);
  }

  #touch(from: number, to: number, needsFlush: boolean): void {
    this.#from = Math.min(this.#from, from);
    this.#to = Math.max(this.#to, to);
    this.#needsFlush ||= needsFlush;
  }
}
