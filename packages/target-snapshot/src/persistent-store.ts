import { asError, BioFlag, SECTOR_SIZE } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import { ExceptionQueue, type PendingException } from './pending-exception.ts';
import {
  areaChunk,
  ENTRY_BYTES,
  isAreaChunk,
  makeHeader,
  newChunkAt,
  oldChunkAt,
  VERSION,
  writeEntry,
} from './store-format.ts';
import type { CommitListener, ExceptionStore, MergeRun, SnapshotPorts, StoreUsage } from './store.ts';

/** Sectors that are merged in one step, if a chunk has not more: writes to them, and a suspend, wait for the end of it. */
const MOST_MERGED = 16_384;

/** The header and the first area come before the first data. */
const FIRST_DATA = 2;

/**
 * A store that outlives the machine. Entries get onto the disk together, when no copy is under way any more or the area is
 * full, after all data they speak of, and before anybody relies on them. Kernel: dm-snap-persistent.c.
 */
export class PersistentStore implements ExceptionStore {
  readonly letter = 'P';
  readonly chunkSectors: number;
  listener: CommitListener | null = null;
  readonly #ports: SnapshotPorts;
  readonly #log: (message: string) => void;
  readonly #entriesPerArea: number;
  /** The area that new entries go into. */
  readonly #area: Buffer;
  #areaIndex = 0;
  /** Entries in that area. */
  #entries = 0;
  #nextFree = FIRST_DATA;
  /** Since a merge: the chunk that would be free if all had come in the order of their entries. The kernel tells it as used. */
  #mergedTo: number | null = null;
  #valid = true;
  /** Chunks that were given out and are in no entry yet. */
  #allotted = 0;
  readonly #ready = new ExceptionQueue();
  /** Those whose entries wait for the next write of the area. */
  #batch: PendingException[] = [];
  #writing = false;
  #scheduled = false;

  /** Of a store that `format` makes, or `load` reads. */
  constructor(ports: SnapshotPorts, chunkSectors: number, log: (message: string) => void) {
    this.#ports = ports;
    this.#log = log;
    this.chunkSectors = chunkSectors;
    this.#area = Buffer.alloc(chunkSectors * SECTOR_SIZE);
    this.#entriesPerArea = this.#area.length / ENTRY_BYTES;
  }

  /** Makes a new store: an empty first area, and then the header, which must not be there without it after a crash. */
  async format(): Promise<void> {
    await this.#zeroArea(0);
    await this.#writeHeader(BioFlag.Preflush | BioFlag.Fua);
  }

  /** Reads the exceptions of a store that was made before. */
  async load(add: (oldChunk: number, newChunk: number) => void): Promise<void> {
    for (this.#areaIndex = 0; ; this.#areaIndex++) {
      await this.#readArea(this.#areaIndex, this.#area);
      for (this.#entries = 0; this.#entries < this.#entriesPerArea; this.#entries++) {
        const newChunk = newChunkAt(this.#area, this.#entries);
        if (newChunk === 0) {
          this.#nextFree = this.#skipArea(this.#nextFree);
          return;
        }
        this.#nextFree = Math.max(this.#nextFree, newChunk + 1);
        add(oldChunkAt(this.#area, this.#entries), newChunk);
      }
    }
  }

  allot(keepsReadable: boolean): number {
    if (!this.#hasRoom(this.#nextFree)) return NO_CHUNK;
    if (keepsReadable && !this.#hasRoom(this.#nextArea())) return NO_CHUNK;
    this.#allotted++;
    this.#mergedTo = null;
    const chunk = this.#nextFree;
    this.#nextFree = this.#skipArea(chunk + 1);
    return chunk;
  }

  commit(exception: PendingException): void {
    this.#ready.push(exception);
    this.#pump();
  }

  /** What goes on with the origin waits for it, so it must be there after a crash. */
  async drop(): Promise<void> {
    this.#valid = false;
    try {
      await this.#writeHeader(BioFlag.Fua);
    } catch (error) {
      this.#log(`write header failed: ${asError(error).message}`);
    }
  }

  usage(): StoreUsage {
    return {
      allocated: (this.#mergedTo ?? this.#nextFree) * this.chunkSectors,
      total: this.#total,
      metadata: (this.#areaIndex + 2) * this.chunkSectors,
    };
  }

  async prepareMerge(): Promise<MergeRun | null> {
    if (this.#entries === 0) {
      if (this.#areaIndex === 0) return null;
      // If this fails all is as before: a snapshot may take over.
      const area = Buffer.alloc(this.#area.length);
      await this.#readArea(this.#areaIndex - 1, area);
      area.copy(this.#area);
      this.#areaIndex--;
      this.#entries = this.#entriesPerArea;
    }
    const last = this.#entries - 1;
    const oldChunk = oldChunkAt(this.#area, last);
    const newChunk = newChunkAt(this.#area, last);
    let count = 1;
    while (
      count <= last &&
      (count + 1) * this.chunkSectors <= MOST_MERGED &&
      oldChunkAt(this.#area, last - count) === oldChunk - count &&
      newChunkAt(this.#area, last - count) === newChunk - count
    )
      count++;
    return { oldChunk: oldChunk + 1 - count, newChunk: newChunk + 1 - count, count };
  }

  async commitMerge(count: number): Promise<void> {
    const first = this.#entries - count;
    const entries = this.#area.subarray(first * ENTRY_BYTES, this.#entries * ENTRY_BYTES);
    const cleared = Buffer.from(entries);
    entries.fill(0);
    try {
      await this.#writeArea();
    } catch (error) {
      // They stay, for a snapshot may take over and write the area again.
      cleared.copy(entries);
      throw error;
    }
    this.#entries = first;
    this.#mergedTo = this.#areaOf(this.#areaIndex) + first + 1;
    // Free is what lies behind all that is used: exceptions need not have come in order.
    const newChunk = newChunkAt(cleared, 0);
    if (this.#skipArea(newChunk + count) === this.#nextFree) this.#nextFree = newChunk;
  }

  get #total(): number {
    return this.#ports.cow.limits.sectors;
  }

  #hasRoom(chunk: number): boolean {
    return (chunk + 1) * this.chunkSectors <= this.#total;
  }

  /** The area that ends the list once the next exception has its entry: one that fills an area needs another one behind it. */
  #nextArea(): number {
    const entries = this.#entries + this.#allotted + 1;
    return this.#areaOf(this.#areaIndex + Math.floor(entries / this.#entriesPerArea));
  }

  /** The chunk, or the one behind it where it is that of an area. */
  #skipArea(chunk: number): number {
    return isAreaChunk(chunk, this.#entriesPerArea) ? chunk + 1 : chunk;
  }

  /** While the area is being written nothing in it may change. */
  #pump(): void {
    while (!this.#writing) {
      const exception = this.#ready.shift();
      if (exception === null) return;
      if (exception.failed) this.#valid = false;
      writeEntry(this.#area, this.#entries++, exception.chunk, exception.cowChunk);
      this.#batch.push(exception);
      this.#allotted--;
      if (this.#entries === this.#entriesPerArea) void this.#writeBatch();
      else if (this.#allotted === 0 && !this.#scheduled) this.#schedule();
    }
  }

  /** What is sent in the same burst still gets into the batch. */
  #schedule(): void {
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#allotted === 0 && !this.#writing && this.#batch.length > 0) void this.#writeBatch();
    });
  }

  async #writeBatch(): Promise<void> {
    this.#writing = true;
    const isFull = this.#entries === this.#entriesPerArea;
    try {
      // The next area must end the list before anything can be in it.
      if (isFull && this.#valid) await this.#zeroArea(this.#areaIndex + 1);
      if (this.#valid) await this.#writeArea();
    } catch {
      this.#valid = false;
    }
    if (isFull) {
      this.#areaIndex++;
      this.#entries = 0;
      this.#area.fill(0);
    }
    const written = this.#batch;
    this.#batch = [];
    this.#writing = false;
    for (const exception of written) this.listener!.committed(exception, this.#valid);
    this.#pump();
  }

  /** The data before it, and the area itself, are stable afterwards. */
  #writeArea(): Promise<void> {
    return this.#writeChunk(this.#areaOf(this.#areaIndex), this.#area, BioFlag.Preflush | BioFlag.Fua);
  }

  #zeroArea(area: number): Promise<void> {
    return this.#writeChunk(this.#areaOf(area), Buffer.alloc(this.#area.length), 0);
  }

  async #readArea(area: number, into: Buffer): Promise<void> {
    await this.#ports.cow.read(this.#areaOf(area) * this.chunkSectors, this.chunkSectors, into);
  }

  #writeHeader(flags: number): Promise<void> {
    const { chunkSectors } = this;
    const header = { valid: this.#valid, version: VERSION, chunkSectors };
    return this.#writeChunk(0, makeHeader(header, this.#area.length), flags);
  }

  #writeChunk(chunk: number, data: Buffer, flags: number): Promise<void> {
    return this.#ports.cow.write(chunk * this.chunkSectors, data, flags);
  }

  #areaOf(area: number): number {
    return areaChunk(area, this.#entriesPerArea);
  }
}
