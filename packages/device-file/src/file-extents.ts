import { dataExtent, type Extent, fail, mergeExtents, SECTOR_SIZE } from '@interposer/core';
import { Errno } from './errno.ts';
import type { Ffi } from './ffi.ts';

// Kernel: fs.h.
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Which sectors of a range have room on the disk. A block that is part data is data. All of it where nobody can tell. */
export async function fileExtents(ffi: Ffi, fd: number, sector: number, count: number): Promise<Extent[]> {
  const end = sector + count;
  const extents: Extent[] = [];
  for (let at = sector; at < end;) {
    const data = await seek(ffi, fd, at, SEEK_DATA);
    if (data === undefined) return [dataExtent(sector, count)];
    const dataAt = Math.min(end, Math.max(at, Math.floor(data / SECTOR_SIZE)));
    if (dataAt > at) extents.push({ sector: at, count: dataAt - at, hole: true, zero: true });
    if (dataAt === end) break;
    const hole = (await seek(ffi, fd, dataAt, SEEK_HOLE)) ?? Infinity;
    // Another user of the file may have punched here between the two answers: then it is called data still.
    at = Math.min(end, Math.max(dataAt + 1, Math.ceil(hole / SECTOR_SIZE)));
    extents.push(dataExtent(dataAt, at - dataAt));
  }
  return mergeExtents(extents);
}

/** The byte position found; infinite when there is nothing of the kind behind; undefined where the call is not known. */
function seek(ffi: Ffi, fd: number, sector: number, whence: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    ffi.seek(fd, sector * SECTOR_SIZE, whence, (result) => {
      if (result >= 0) resolve(result);
      else if (result === -Errno.NoEntry) resolve(Infinity);
      else if (result === -Errno.Invalid || result === -Errno.NotSup) resolve(undefined);
      else reject(fail('EIO', `cannot tell holes from data: lseek failed with errno ${-result}`));
    });
  });
}
