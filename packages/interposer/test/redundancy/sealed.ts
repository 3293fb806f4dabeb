import { asyncFilter, BioOp, fail, type FilterType, SECTOR_SIZE } from '@interposer/core';
import { numberAt } from './expectation.ts';

/** A layer that checks what is read, as one with checksums does: a sector without a whole stamp of its own is an error. */
export const sealed: FilterType = asyncFilter({
  name: 'sealed',
  // Above the faults.
  altitude: '180000',
  async handle(bio, next) {
    const { sector, count } = bio;
    await next();
    if (bio.op !== BioOp.Read) return;
    const { bufferOffset } = bio;
    const data = bio.buffer.subarray(bufferOffset, bufferOffset + count * SECTOR_SIZE);
    for (let index = 0; index < count; index++) {
      try {
        numberAt(data, index, sector + index, 'a leg');
      } catch (error) {
        throw fail('EILSEQ', (error as Error).message);
      }
    }
  },
});
