import type { Bio, Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { BioOp, hasOp, MapResult, type OpSet, opSet } from './constants.ts';
import { CostSample, isSampled, stopwatch } from './cost.ts';
import type { TableLine } from './table-text.ts';
import type { Target, TargetType } from './target.ts';

/** A line of a loaded table with its target. */
export class Row implements Holder {
  readonly device: BlockDevice;
  /** Without its words. */
  readonly line: TableLine;
  readonly type: TargetType;
  readonly target: Target;
  readonly label: string;
  /** The sector behind the last. */
  readonly end: number;
  /** Its contract is broken: it is not called again. */
  fenced = false;
  /** Bios, or pieces of bios, that it got. */
  bios = 0;
  readonly #cost: CostSample = new CostSample();
  /** Operations of which the target wants one copy. */
  readonly #direct: OpSet;
  /** 0: no bound. */
  readonly #maxIo: number;
  readonly #copies: readonly number[];

  constructor(device: BlockDevice, line: TableLine, type: TargetType, target: Target) {
    this.device = device;
    // Its words are not kept: one of them may be a key, which the target can be told to forget.
    this.line = { ...line, words: [] };
    this.type = type;
    this.target = target;
    this.end = line.start + line.length;
    this.label = `target ${type.name}, row ${String(line.start)}+${String(line.length)}`;
    this.#maxIo = target.maxIo ?? 0;
    const copies: number[] = [];
    copies[BioOp.Read] = 1;
    copies[BioOp.Write] = 1;
    copies[BioOp.Flush] = target.flushCopies ?? 1;
    copies[BioOp.Discard] = target.discardCopies ?? 1;
    copies[BioOp.WriteZeroes] = target.writeZeroesCopies ?? 1;
    this.#copies = copies.map((count, op) => (hasOp(type.ops, op as BioOp) ? count : 0));
    this.#direct = opSet(...this.#copies.flatMap((count, op) => (count === 1 ? [op as BioOp] : [])));
  }

  /** How many copies of an operation the target wants; 0: none, it is not supported. */
  copies(op: BioOp): number {
    return this.#copies[op]!;
  }

  /** Whether a bio that starts in the row can go to the target as it is: in one piece, once, and of an operation it takes. */
  takesWhole({ sector, count, op }: Bio): boolean {
    return (
      hasOp(this.#direct, op) &&
      count <= this.end - sector &&
      (this.#maxIo === 0 || op > BioOp.Write || count <= this.room(sector, op))
    );
  }

  /** Sectors from here to the next place where a bio must be cut. Reads and writes only keep to `maxIo`, as in the kernel. */
  room(sector: number, op: BioOp): number {
    const toEnd = this.end - sector;
    if (op > BioOp.Write || this.#maxIo === 0) return toEnd;
    const toBoundary = this.#maxIo - ((sector - this.line.start) % this.#maxIo);
    return toEnd < toBoundary ? toEnd : toBoundary;
  }

  /** Hands over a bio that lies in the row and whose operation the target takes. */
  map(bio: Bio): MapResult {
    if (this.fenced) return MapResult.Kill;
    bio.holder = this;
    return isSampled(++this.bios) ? this.#timedMap(bio) : this.target.map(bio);
  }

  /** The target's own time for a bio on its way down, in nanoseconds; undefined while there is no sample. */
  get cost(): number | undefined {
    return this.#cost.mean;
  }

  #timedMap(bio: Bio): MapResult {
    const start = stopwatch();
    const result = this.target.map(bio);
    this.#cost.add(stopwatch() - start);
    return result;
  }
}
