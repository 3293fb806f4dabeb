import { type Bio, EndResult, type Frame } from '@interposer/core';
import { ChunkTable, NO_CHUNK } from './chunk-table.ts';

/** Counts, by chunk, the bios under way that others must not overtake. Kernel: the tracked chunks of dm-snap.c. */
export class TrackedChunks implements Frame {
  /** Told when the last of a chunk has ended. */
  onDrained: (chunk: number) => void;
  readonly #counts = new ChunkTable();
  readonly #chunkSectors: number;

  constructor(chunkSectors: number, onDrained: (chunk: number) => void) {
    this.#chunkSectors = chunkSectors;
    this.onDrained = onDrained;
  }

  /** Whether a bio of that chunk is under way. */
  has(chunk: number): boolean {
    return this.#counts.size > 0 && this.#counts.get(chunk) !== NO_CHUNK;
  }

  /** Counts a bio until it ends; its sector is that of the origin. */
  track(bio: Bio): void {
    const last = this.#lastChunk(bio);
    for (let chunk = this.#firstChunk(bio); chunk <= last; chunk++) {
      const count = this.#counts.get(chunk);
      this.#counts.set(chunk, count === NO_CHUNK ? 1 : count + 1);
    }
    bio.watch(this);
  }

  endIo(bio: Bio): EndResult {
    const last = this.#lastChunk(bio);
    for (let chunk = this.#firstChunk(bio); chunk <= last; chunk++) {
      const count = this.#counts.get(chunk);
      if (count > 1) {
        this.#counts.set(chunk, count - 1);
        continue;
      }
      this.#counts.delete(chunk);
      this.onDrained(chunk);
    }
    return EndResult.Done;
  }

  #firstChunk({ sector }: Bio): number {
    return (sector - (sector % this.#chunkSectors)) / this.#chunkSectors;
  }

  #lastChunk({ sector, count }: Bio): number {
    const last = sector + count - 1;
    return (last - (last % this.#chunkSectors)) / this.#chunkSectors;
  }
}
