import type { Bio, Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { BioOp, hasOp, MapResult, type OpSet, Status } from './constants.ts';
import type { TableLine } from './table-text.ts';
import type { Target, TargetType } from './target.ts';

/** A line of a loaded table with its target. */
export class Row implements Holder {
  readonly device: BlockDevice;
  readonly line: TableLine;
  readonly type: TargetType;
  readonly target: Target;
  readonly label: string;
  /** The sector behind the last. */
  readonly end: number;
  /** Its contract is broken: it is not called again. */
  fenced = false;
  readonly #ops: OpSet;
  /** 0: no bound. */
  readonly #maxIo: number;
  readonly #copies: readonly number[];

  constructor(device: BlockDevice, line: TableLine, type: TargetType, target: Target) {
    this.device = device;
    this.line = line;
    this.type = type;
    this.target = target;
    this.end = line.start + line.length;
    this.label = `target ${type.name}, row ${String(line.start)}+${String(line.length)}`;
    this.#ops = type.ops;
    this.#maxIo = target.maxIo ?? 0;
    const copies: number[] = [];
    copies[BioOp.Read] = 1;
    copies[BioOp.Write] = 1;
    copies[BioOp.Flush] = target.flushCopies ?? 1;
    copies[BioOp.Discard] = target.discardCopies ?? 1;
    copies[BioOp.WriteZeroes] = target.writeZeroesCopies ?? 1;
    this.#copies = copies.map((count, op) => (op <= BioOp.Write || hasOp(type.ops, op as BioOp) ? count : 0));
  }

  /** How many copies of an operation the target wants; 0: none, it is not supported. */
  copies(op: BioOp): number {
    return this.#copies[op]!;
  }

  /** Whether a bio that starts in the row cannot go to the target in one piece and once. */
  mustSplit(bio: Bio): boolean {
    const { sector, count, op } = bio;
    if (op > BioOp.Write) return count > this.end - sector || this.#copies[op] !== 1;
    return count > this.end - sector || (this.#maxIo !== 0 && count > this.room(sector, op));
  }

  /** Sectors from here to the next place where a bio must be cut. Reads and writes only keep to `maxIo`, as in the kernel. */
  room(sector: number, op: BioOp): number {
    const toEnd = this.end - sector;
    if (op > BioOp.Write || this.#maxIo === 0) return toEnd;
    const toBoundary = this.#maxIo - ((sector - this.line.start) % this.#maxIo);
    return toEnd < toBoundary ? toEnd : toBoundary;
  }

  /** Hands a bio that lies in the row to the target. */
  map(bio: Bio): MapResult {
    if (!hasOp(this.#ops, bio.op)) {
      bio.complete(Status.NotSup);
      return MapResult.Submitted;
    }
    bio.holder = this;
    return this.target.map(bio);
  }
}
