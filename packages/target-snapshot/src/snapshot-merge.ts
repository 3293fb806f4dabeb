import { type Bio, BioOp, MapResult, type Progress, Status, type TargetType } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import { Merge } from './merge.ts';
import type { PendingException } from './pending-exception.ts';
import { SnapshotBase } from './snapshot-base.ts';
import { snapshotType } from './snapshot-type.ts';

/**
 * An origin that becomes what its snapshot is, in use meanwhile: chunks that are not merged yet are those of the store.
 * Kernel: snapshot_merge_map in dm-snap.c.
 */
class SnapshotMerge extends SnapshotBase {
  readonly merges = true;
  /** One for the origin, one for the store. */
  readonly flushCopies = 2;
  #merge: Merge | null = null;

  map(bio: Bio): MapResult {
    const { op } = bio;
    if (op === BioOp.Flush) {
      bio.port = bio.copy === 0 ? this.ports.origin : this.ports.cow;
      return MapResult.Remapped;
    }
    if (op === BioOp.Discard) {
      bio.complete(Status.Ok);
      return MapResult.Submitted;
    }
    const { exceptions } = this;
    const chunk = exceptions?.chunkOf(bio.sector) ?? NO_CHUNK;
    const cowChunk = exceptions?.valid === true ? exceptions.find(chunk) : NO_CHUNK;
    bio.port = this.ports.origin;
    const pending = exceptions?.pendingAt(chunk) ?? null;
    if (pending !== null) return this.#wait(bio, pending);
    if (exceptions === null || cowChunk === NO_CHUNK) {
      if (op === BioOp.Read || this.origin.admit(bio)) return MapResult.Remapped;
      return MapResult.Submitted;
    }
    if (op === BioOp.Write && this.#merge?.covers(chunk) === true) {
      this.#merge.hold(bio);
      return MapResult.Submitted;
    }
    if (op === BioOp.Write) exceptions.tracked.track(bio);
    bio.port = this.ports.cow;
    bio.sector = exceptions.place(bio.sector, cowChunk);
    return MapResult.Remapped;
  }

  /** The chunk was on its way to the store when this took over. Apart: a closure costs where it is made. */
  #wait(bio: Bio, { waiters }: PendingException): MapResult {
    waiters.push(() => {
      this.mapAgain(bio);
    });
    return MapResult.Submitted;
  }

  get mergeFailed(): boolean {
    return this.#merge?.failed === true;
  }

  progress(): Progress {
    const { exceptions } = this;
    const left = exceptions?.sectors ?? 0;
    const total = this.#merge?.total ?? left;
    const status = this.status();
    const failure = ['Invalid', 'Merge failed'].includes(status) ? { failure: status } : {};
    return { activity: 'merge', done: total - left, total, ...failure };
  }

  presuspend(): void {
    this.#merge?.stop();
  }

  override resume(): void {
    super.resume();
    const { exceptions } = this;
    if (exceptions === null) return;
    this.#merge ??= new Merge(exceptions, this.origin);
    this.#merge.start();
  }

  override async stopped(): Promise<void> {
    this.#merge?.stop();
    await this.#merge?.stopped();
  }
}

/** The target type of origins that a snapshot is merged into. */
export const snapshotMerge: TargetType = snapshotType(
  'snapshot-merge',
  [1, 5, 0],
  true,
  (context, words, ports) => new SnapshotMerge(context, words, ports),
);
