import { type Bio, BioOp, hasOp, SECTOR_SIZE, Status } from '@interposer/core';
import { NO_CHUNK } from './chunk-table.ts';
import type { Exceptions } from './exceptions.ts';

/**
 * Discards what the store has of some sectors, one chunk after another, and completes the bio: a whole chunk becomes zeroes,
 * of a part of one the store's device is told. What only the origin has stays as it is. Kernel: zero_exception in dm-snap.c.
 */
export async function discardExceptions(bio: Bio, exceptions: Exceptions): Promise<void> {
  const end = bio.sector + bio.count;
  let status: Status = Status.Ok;
  try {
    for (let sector = bio.sector; sector < end && !exceptions.isEmpty;) {
      const chunk = exceptions.chunkOf(sector);
      const next = Math.min(end, (chunk + 1) * exceptions.chunkSectors);
      const cowChunk = exceptions.find(chunk);
      if (cowChunk !== NO_CHUNK)
        await discardPart(exceptions, exceptions.place(sector, cowChunk), next - sector);
      sector = next;
    }
  } catch {
    status = Status.Io;
  }
  bio.complete(status);
}

async function discardPart(
  { ports: { cow }, chunkSectors }: Exceptions,
  place: number,
  count: number,
): Promise<void> {
  const { ops } = cow.limits;
  if (count < chunkSectors) {
    if (hasOp(ops, BioOp.Discard)) await cow.discard(place, count);
  } else if (hasOp(ops, BioOp.WriteZeroes)) await cow.writeZeroes(place, count);
  else await cow.write(place, Buffer.alloc(count * SECTOR_SIZE));
}
