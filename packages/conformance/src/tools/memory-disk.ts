import {
  type Bio,
  BioOp,
  type Clock,
  type Driver,
  type Limits,
  makeLimits,
  MapResult,
  OP_COUNT,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';

/** What a disk of the kit is made of. */
export interface DiskOptions {
  /** Size in sectors. */
  readonly sectors: number;
  /** What it should promise otherwise than an ideal device. */
  readonly limits?: Partial<Limits>;
}

/** A disk in memory that answers at once: the reference for what a device does. It outlives the device that is opened on it. */
export class MemoryDisk implements Driver {
  readonly limits: Limits;
  /** Its bytes. */
  readonly data: Uint8Array;
  /** How many bios of each operation arrived, by number of the operation. */
  readonly arrived: number[] = new Array<number>(OP_COUNT).fill(0);
  /** Whether a device is open on it. */
  isOpen = false;

  constructor({ sectors, limits }: DiskOptions) {
    this.limits = makeLimits(sectors, limits);
    this.data = new Uint8Array(sectors * SECTOR_SIZE);
  }

  /** The driver type's own: a device opens on the disk. */
  opened(_clock: Clock): void {
    this.isOpen = true;
  }

  /** Bios of all operations that arrived so far. */
  get requests(): number {
    return this.arrived.reduce((sum, count) => sum + count, 0);
  }

  submit(bio: Bio): MapResult {
    this.arrived[bio.op]!++;
    bio.complete(this.serve(bio));
    return MapResult.Submitted;
  }

  /** Does what the bio asks for and answers its status; does not complete it. */
  serve(bio: Bio): Status {
    const start = bio.sector * SECTOR_SIZE;
    const bytes = bio.count * SECTOR_SIZE;
    switch (bio.op) {
      case BioOp.Read:
        bio.buffer.set(this.data.subarray(start, start + bytes), bio.bufferOffset);
        break;
      case BioOp.Write:
        this.data.set(bio.buffer.subarray(bio.bufferOffset, bio.bufferOffset + bytes), start);
        break;
      case BioOp.Discard:
      case BioOp.WriteZeroes:
        this.data.fill(0, start, start + bytes);
        break;
      case BioOp.Flush:
        break;
    }
    return Status.Ok;
  }

  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}
