import { BioFlag, isInterposerError, type Port, SECTOR_SIZE } from '@interposer/core';
import { runsIn, stamp } from './disk.ts';
import type { Run } from './scenario.ts';

/** What an I/O step came to, in the words of the recorded data. */
export interface Outcome {
  readonly result: string;
  readonly bytes?: number;
  readonly data?: readonly Run[];
}

/** Does an I/O of the recorded data. `left`: so much of `count` is on the device. Rejects with what core rejects with. */
export async function perform(
  port: Port,
  io: string,
  sector: number,
  count: number,
  left: number,
): Promise<Outcome> {
  switch (io) {
    case 'read': {
      if (left === 0) return { result: 'ok', bytes: 0 };
      const data = await port.read(sector, left);
      return { result: 'ok', bytes: data.length, data: runsIn(data, sector) };
    }
    case 'write':
    case 'write_fua': {
      const data = Buffer.concat(Array.from({ length: left }, (_, index) => stamp('W', sector + index)));
      await port.write(sector, data, io === 'write_fua' ? BioFlag.Fua : 0);
      // RWF_DSYNC ends with a flush, whatever the device can do.
      if (io === 'write_fua') await port.flush();
      return { result: 'ok', bytes: data.length };
    }
    case 'fsync':
      await port.flush();
      break;
    case 'discard':
      await port.discard(sector, count);
      break;
    case 'punch_hole':
      await port.writeZeroes(sector, count);
      break;
    default:
      await zeroOut(port, sector, count);
  }
  return { result: 'ok' };
}

async function zeroOut(port: Port, sector: number, count: number): Promise<void> {
  try {
    await port.writeZeroes(sector, count);
  } catch (error) {
    if (!isInterposerError(error) || error.code !== 'ENOTSUP') throw error;
    await port.write(sector, new Uint8Array(count * SECTOR_SIZE));
  }
}
