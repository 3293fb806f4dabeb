import { type Bio, BioOp, EndResult, type Frame, Status } from '@interposer/core';
import { ChunkTable, NO_CHUNK } from './chunk-table.ts';

/** Whom tracked chunks are tracked for. */
export interface TrackingOwner {
  /** Whether what the snapshot holds is still there to be read. */
  readonly valid: boolean;
  /** The last bio of a chunk has ended. */
  chunkDrained(chunk: number): void;
}

/** Counts, by chunk, the bios under way that others must not overtake. Kernel: the tracked chunks of dm-snap.c. */
export class TrackedChunks implements Frame {
  readonly #owner: TrackingOwner;
  readonly #counts = new ChunkTable();
  readonly #chunkSectors: number;

  constructor(chunkSectors: number, owner: TrackingOwner) {
    this.#chunkSectors = chunkSectors;
    this.#owner = owner;
  }

  /** Whether a bio of that chunk is under way. */
  has(chunk: number): boolean {
    return this.#counts.size > 0 && this.#counts.get(chunk) !== NO_CHUNK;
  }

  /** Counts a bio, which lies in one chunk, until it ends; its sector is that of the origin. */
  track(bio: Bio): void {
    const chunk = this.#chunkOf(bio);
    const count = this.#counts.get(chunk);
    this.#counts.set(chunk, count === NO_CHUNK ? 1 : count + 1);
    bio.watch(this);
  }

  endIo(bio: Bio): EndResult {
    // Nobody waited for the reads of a snapshot that became invalid: it may have got what was written since.
    if (bio.op === BioOp.Read && !this.#owner.valid) bio.status = Status.Io;
    const chunk = this.#chunkOf(bio);
    const count = this.#counts.get(chunk);
    if (count > 1) {
      this.#counts.set(chunk, count - 1);
    } else {
      this.#counts.delete(chunk);
      this.#owner.chunkDrained(chunk);
    }
    return EndResult.Done;
  }

  #chunkOf({ sector }: Bio): number {
    return (sector - (sector % this.#chunkSectors)) / this.#chunkSectors;
  }
}
