import type { Bio } from './bio.ts';
import { bioPool } from './bio-pool.ts';
import { BioOp, hasOp, MapResult, Status } from './constants.ts';
import type { Port } from './port.ts';
import type { Row } from './row.ts';
import { dispatch } from './trampoline.ts';

/** Maps a flush through one row when it leaves the queue. */
class RowStage {
  readonly #row: Row;

  constructor(row: Row) {
    this.#row = row;
  }

  run(child: Bio): MapResult {
    const result = this.#row.map(child);
    if (result <= MapResult.Remapped) return result;
    child.complete(result === MapResult.Requeue ? Status.Requeue : Status.Io);
    return MapResult.Submitted;
  }
}

/** One flush that a flush of the whole table becomes: straight to a device, or a numbered copy to a target. */
type FlushItem =
  { readonly port: Port } | { readonly row: Row; readonly copy: number; readonly stage: RowStage };

/**
 * Where a flush goes. If no target of the table needs to map it, each underlying device gets one; else each target gets as
 * many copies as it wants, none being fine. Kernel: __send_empty_flush.
 */
export class FlushPlan {
  readonly #items: readonly FlushItem[];
  /** A target of the table does not know flushes: then the table does not. */
  readonly #refused: boolean;

  constructor(rows: readonly Row[], ports: readonly Port[]) {
    this.#refused = rows.some((row) => !hasOp(row.type.ops, BioOp.Flush));
    this.#items = rows.every((row) => row.type.features.flushBypassesMap === true)
      ? ports.map((port) => ({ port }))
      : rows.flatMap(copiesOf);
  }

  /** Owns the flush from here, unless it answers `Remapped`. */
  submit(bio: Bio): MapResult {
    const [first] = this.#items;
    if (first === undefined || this.#refused) {
      bio.complete(this.#refused ? Status.NotSup : Status.Ok);
      return MapResult.Submitted;
    }
    if (this.#items.length === 1 && 'port' in first) {
      bio.port = first.port;
      return MapResult.Remapped;
    }
    this.#fanOut(bio);
    return MapResult.Submitted;
  }

  #fanOut(bio: Bio): void {
    bio.children = this.#items.length;
    bio.childStatus = Status.Ok;
    for (const item of this.#items) {
      const child = bioPool.get();
      child.op = BioOp.Flush;
      child.sector = 'row' in item ? item.row.line.start : 0;
      child.count = 0;
      child.copy = 'row' in item ? item.copy : 0;
      child.port = 'port' in item ? item.port : bio.port;
      child.origin = bio.origin;
      child.rank = bio.rank;
      child.parent = bio;
      child.end = endFlush;
      child.status = Status.Pending;
      child.stage = 'row' in item ? item.stage : null;
      dispatch(child);
    }
  }
}

function copiesOf(row: Row): FlushItem[] {
  const stage = new RowStage(row);
  return Array.from({ length: row.copies(BioOp.Flush) }, (_, copy) => ({ row, copy, stage }));
}

function endFlush(child: Bio): void {
  const bio = child.parent!;
  const { status } = child;
  bioPool.put(child);
  if (bio.childStatus === Status.Ok || status === Status.Requeue) bio.childStatus = status;
  if (--bio.children > 0) return;
  if (bio.childStatus === Status.Requeue) bio.port!.path.requeue(bio);
  else bio.complete(bio.childStatus);
}
