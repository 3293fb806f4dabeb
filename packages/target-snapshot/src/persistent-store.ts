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
      await this.#readArea();
      for (this.#entries = 0; this.#entries < this.#entriesPerArea; this.#entries++) {
        const newChunk = newChunkAt(this.#area, this.#entries);
        if (newChunk === 0) {
          this.#skipArea();
          return;
        }
        this.#nextFree = Math.max(this.#nextFree, newChunk + 1);
        add(oldChunkAt(this.#area, this.#entries), newChunk);
      }
    }
  }

  allot(): number {
    if ((this.#nextFree + 1) * this.chunkSectors > this.#total) return NO_CHUNK;
    this.#allotted++;
    const chunk = this.#nextFree++;
    this.#skipArea();
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
      allocated: this.#nextFree * this.chunkSectors,
      total: this.#total,
      metadata: (this.#areaIndex + 2) * this.chunkSectors,
    };
  }

  async prepareMerge(): Promise<MergeRun | null> {
    if (this.#entries === 0) {
      if (this.#areaIndex === 0) return null;
      this.#areaIndex--;
      await this.#readArea();
      this.#entries = this.#entriesPerArea;
    }
    const last = this.#entries - 1;
    const oldChunk = oldChunkAt(this.#area, last);
    const newChunk = newChunkAt(this.#area, last);
    let count = 1;
    while (
      count <= last &&
      oldChunkAt(this.#area, last - count) === oldChunk - count &&
      newChunkAt(this.#area, last - count) === newChunk - count
    )
      count++;
    return { oldChunk: oldChunk + 1 - count, newChunk: newChunk + 1 - count, count };
  }

  async commitMerge(count: number): Promise<void> {
    for (let i = 1; i <= count; i++) writeEntry(this.#area, this.#entries - i, 0, 0);
    await this.#writeArea();
    this.#entries -= count;
    // Only the usage needs it from now on, and that goes by what exceptions in order would take.
    this.#nextFree = areaChunk(this.#areaIndex, this.#entriesPerArea) + this.#entries + 1;
  }

  get #total(): number {
    return this.#ports.cow.limits.sectors;
  }

  #skipArea(): void {
    if (isAreaChunk(this.#nextFree, this.#entriesPerArea)) this.#nextFree++;
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

  async #readArea(): Promise<void> {
    await this.#ports.cow.read(
      this.#areaOf(this.#areaIndex) * this.chunkSectors,
      this.chunkSectors,
      this.#area,
    );
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
