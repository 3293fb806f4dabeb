import { BioOp } from '@interposer/core';

/** How often the parts of a device were read and written. Kernel: the areas of dm-stats. */
export class Heat {
  /** Size of the device. */
  readonly sectors: number;
  /** Size of an area; the last one may be smaller. */
  readonly areaSectors: number;
  readonly reads: Float64Array;
  readonly writes: Float64Array;

  /** Of at most so many areas of one size. */
  constructor(sectors: number, most: number) {
    this.sectors = sectors;
    this.areaSectors = Math.max(1, Math.ceil(sectors / most));
    const areas = Math.ceil(sectors / this.areaSectors);
    this.reads = new Float64Array(areas);
    this.writes = new Float64Array(areas);
  }

  /** A read or write counts in each area that it touches; of other operations nothing is kept. */
  add(op: BioOp, sector: number, count: number): void {
    if (op > BioOp.Write) return;
    const counts = op === BioOp.Read ? this.reads : this.writes;
    const size = this.areaSectors;
    const end = sector + count;
    for (let area = Math.floor(sector / size); area * size < end; area++) counts[area]!++;
  }

  clear(): void {
    this.reads.fill(0);
    this.writes.fill(0);
  }
}
