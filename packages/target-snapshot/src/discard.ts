import { type Bio, BioOp, hasOp, SECTOR_SIZE, Status } from '@interposer/core';
import type { Exceptions } from './exceptions.ts';

/**
 * Discards what the store has of some sectors, one chunk after another, and completes the bio: a whole chunk becomes zeroes,
 * of a part of one the store's device is told. What only the origin has stays as it is. Kernel: zero_exception in dm-snap.c.
 */
export async function discardExceptions(bio: Bio, exceptions: Exceptions): Promise<void> {
  const { chunkSectors } = exceptions;
  const end = bio.sector + bio.count;
  let status: Status = Status.Ok;
  try {
    for (const chunk of exceptions.chunksIn(bio.sector, bio.count)) {
      const sector = Math.max(bio.sector, chunk * chunkSectors);
      const next = Math.min(end, (chunk + 1) * chunkSectors);
      await discardPart(exceptions, exceptions.place(sector, exceptions.find(chunk)), next - sector);
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
