import { type Bio, BioOp, MapResult, type TargetType } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import { discardExceptions } from './discard.ts';
import type { Exceptions } from './exceptions.ts';
import { SnapshotBase } from './snapshot-base.ts';
import { snapshotType } from './snapshot-type.ts';

/** A device as it was when this came up, with what is written to it since. Kernel: snapshot_map in dm-snap.c. */
class Snapshot extends SnapshotBase {
  readonly merges = false;
  readonly mergeFailed = false;

  map(bio: Bio): MapResult {
    const { exceptions } = this;
    if (bio.op === BioOp.Flush) {
      bio.port = this.ports.cow;
      return MapResult.Remapped;
    }
    if (exceptions === null || !exceptions.valid || (exceptions.overflowed && bio.op !== BioOp.Read))
      return MapResult.Kill;
    if (!exceptions.settled) return this.#wait(bio, exceptions);
    if (bio.op === BioOp.Discard) return this.#discard(bio, exceptions);
    const chunk = exceptions.chunkOf(bio.sector);
    const cowChunk = exceptions.find(chunk);
    if (cowChunk === NO_CHUNK && bio.op === BioOp.Write) return this.#writeNew(bio, chunk, exceptions);
    if (cowChunk === NO_CHUNK) {
      exceptions.tracked.track(bio);
      bio.port = this.ports.origin;
    } else {
      bio.port = this.ports.cow;
      bio.sector = exceptions.place(bio.sector, cowChunk);
    }
    return MapResult.Remapped;
  }

  /** Until the writes to the origin that came before the snapshot have ended. Apart: a closure costs where it is made. */
  #wait(bio: Bio, exceptions: Exceptions): MapResult {
    exceptions.whenSettled(() => {
      this.mapAgain(bio);
    });
    return MapResult.Submitted;
  }

  /** A write to a chunk that only the origin has: it gets one in the store. */
  #writeNew(bio: Bio, chunk: number, exceptions: Exceptions): MapResult {
    const exception = exceptions.pendingAt(chunk) ?? exceptions.begin(chunk, this.args.overflow);
    if (exception === null) {
      exceptions.overflow(this.args.overflow);
      return MapResult.Kill;
    }
    const isWhole = bio.count === exceptions.chunkSectors && !exception.started;
    if (isWhole) exceptions.startWhole(exception, bio);
    bio.port = this.ports.cow;
    bio.sector = exceptions.place(bio.sector, exception.cowChunk);
    if (isWhole) return MapResult.Remapped;
    exception.snapshotBios.push(bio);
    if (!exception.started) exceptions.copyLater(exception);
    exceptions.startCopies();
    return MapResult.Submitted;
  }

  /** The first copy of a discard clears what is in the store, the second goes to the origin. */
  #discard(bio: Bio, exceptions: Exceptions): MapResult {
    if (bio.copy === 0) {
      void discardExceptions(bio, exceptions);
      return MapResult.Submitted;
    }
    bio.port = this.ports.origin;
    return MapResult.Remapped;
  }
}

/** The target type of snapshots. */
export const snapshot: TargetType = snapshotType(
  'snapshot',
  [1, 16, 0],
  false,
  (context, words, ports) => new Snapshot(context, words, ports),
);
