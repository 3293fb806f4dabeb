import {
  type Area,
  type Bio,
  BioOp,
  defineTarget,
  type Extent,
  MapResult,
  opSet,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetType,
} from '@interposer/core';

/** Kernel: dm-zero.c. */
class Zero implements Target {
  /** There is nothing to make stable. */
  readonly flushCopies = 0;

  map(bio: Bio): MapResult {
    if (bio.op === BioOp.Read) {
      bio.buffer.fill(0, bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE);
    }
    bio.complete(Status.Ok);
    return MapResult.Submitted;
  }

  areas(): readonly Area[] {
    return [];
  }

  table(): string {
    return '';
  }

  extents(sector: number, count: number): Promise<Extent[]> {
    return Promise.resolve([{ sector, count, hole: true, zero: true }]);
  }
}

/** Reads as zeroes; writes and discards succeed and change nothing. Write-zeroes is not offered, as in the kernel. */
export const zero: TargetType = defineTarget({
  name: 'zero',
  version: [1, 2, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  params: [],
  countError: 'No arguments required',
  create: () => new Zero(),
});
