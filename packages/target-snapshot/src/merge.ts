import { type Bio, Status } from '@interposer/core';
import type { Exceptions } from './exceptions.ts';
import type { Origin } from './origin.ts';
import type { MergeRun } from './store.ts';

/** Why a merge cannot go on, with the kernel's words for it. */
class MergeFailure extends Error {}

/**
 * Copies chunks back to the origin, those of the last exceptions first, in runs of chunks that lie one after another, each of
 * which is stable there before its exceptions are cleared. Kernel: snapshot_merge_next_chunks in dm-snap.c.
 */
export class Merge {
  readonly #exceptions: Exceptions;
  readonly #origin: Origin;
  /** The run that is being copied: writes to it wait. */
  #run: MergeRun | null = null;
  readonly #held: Bio[] = [];
  #running: Promise<void> | null = null;
  #stopping = false;
  /** It was started while the last run was on its way to the end. */
  #again = false;
  #failed = false;
  #total: number;

  constructor(exceptions: Exceptions, origin: Origin) {
    this.#total = exceptions.sectors;
    this.#exceptions = exceptions;
    this.#origin = origin;
  }

  /** Sectors that there were to merge. */
  get total(): number {
    return this.#total;
  }

  /** It stopped for good; what is merged is merged, the rest stays where it is. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether a chunk is being copied back. */
  covers(chunk: number): boolean {
    const run = this.#run;
    return run !== null && chunk >= run.oldChunk && chunk < run.oldChunk + run.count;
  }

  /** A write to a chunk that is being copied back waits; its port is that of the origin, where it goes then. */
  hold(bio: Bio): void {
    this.#held.push(bio);
  }

  /** Starts, or goes on. */
  start(): void {
    this.#stopping = false;
    this.#again = this.#running !== null;
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
      if (this.#again && !this.#stopping) this.start();
    });
  }

  /** No further run is begun. */
  stop(): void {
    this.#stopping = true;
  }

  /** Resolves when no run is under way. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  async #work(): Promise<void> {
    // Whoever had the exceptions before may have left some on their way, which must not get between those that are merged.
    await this.#exceptions.idle();
    const { valid, owner, sectors } = this.#exceptions;
    this.#total = Math.max(this.#total, sectors);
    if (!valid) owner.log("Snapshot is invalid: can't merge");
    if (!valid || this.#failed) return;
    try {
      while (!this.#stopping && (await this.#mergeNext()));
    } catch (error) {
      this.#failed = true;
      owner.log(`${(error as Error).message}: shutting down merge`);
    }
    this.#release();
  }

  /** False: there is nothing left. */
  async #mergeNext(): Promise<boolean> {
    const { store } = this.#exceptions;
    const run = await store.prepareMerge!().catch(failWith('Read error in exception store'));
    if (run === null) return false;
    const generation = await this.#copyOut(run);
    try {
      this.#run = run;
      await this.#drain(run);
      await this.#copyBack(run);
      await this.#exceptions.ports.origin.flush().catch(failWith('Flush after merge failed'));
    } finally {
      generation.leave();
    }
    await store.commitMerge!(run.count).catch(failWith('Write error in exception store'));
    for (let i = 0; i < run.count; i++) this.#exceptions.forget(run.oldChunk + i);
    this.#release();
    return true;
  }

  /** Other snapshots keep what the run will overwrite; a snapshot that comes later holds what it has overwritten. */
  async #copyOut(run: MergeRun): Promise<Origin['generation']> {
    const { chunkSectors } = this.#exceptions;
    const [sector, count] = [run.oldChunk * chunkSectors, run.count * chunkSectors];
    for (;;) {
      let proceed = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (proceed = resolve));
      if (this.#origin.admitRange(sector, count, proceed)) break;
      await waiting;
    }
    const { generation } = this.#origin;
    generation.hold();
    return generation;
  }

  /** Until writes to the chunks in the store, which came before the run, have ended. */
  async #drain(run: MergeRun): Promise<void> {
    const exceptions = this.#exceptions;
    for (let i = 0; i < run.count; i++) {
      while (exceptions.tracked.has(run.oldChunk + i))
        await new Promise<void>((resolve) => (exceptions.onDrained = resolve));
    }
    exceptions.onDrained = null;
  }

  async #copyBack(run: MergeRun): Promise<void> {
    const { chunkSectors, copier, ports } = this.#exceptions;
    const { origin } = ports;
    const sector = run.oldChunk * chunkSectors;
    const count = Math.min(run.count * chunkSectors, origin.limits.sectors - sector);
    const status = await new Promise<Status>((resolve) => {
      const end = (_: unknown, ended: Status): void => {
        resolve(ended);
      };
      copier.copy(true, run.newChunk * chunkSectors, sector, count, end, null);
    });
    if (status !== Status.Ok) throw new MergeFailure(`Error ${String(status)} while copying back`);
  }

  /** No chunk is being copied back any more: writes that waited go on, or fail with the merge. */
  #release(): void {
    this.#run = null;
    for (const bio of this.#held.splice(0)) {
      if (this.#failed) bio.complete(Status.Io);
      else this.#origin.retry(bio);
    }
  }
}

function failWith(text: string): () => never {
  return () => {
    throw new MergeFailure(text);
  };
}
