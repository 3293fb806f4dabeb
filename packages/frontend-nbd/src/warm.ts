import { type BufferPool, SECTOR_SIZE } from '@interposer/core';
import { setImmediate } from 'node:timers/promises';
import { sectorsOf } from './contexts.ts';
import type { Export } from './export.ts';
import type { Request } from './request.ts';

/** Bytes that are read at a time. */
export const WARM_BYTES: number = 2 ** 20;

/**
 * Performs CACHE: reads the range and drops what it read, so that whatever caches there are below have it. Stops early when
 * nobody wants it any more. Rejects as the port does.
 */
export async function warm(
  { offset, length }: Request,
  { port, block }: Export,
  pool: BufferPool,
  isWanted: () => boolean,
): Promise<void> {
  const blockSectors = block / SECTOR_SIZE;
  const range = sectorsOf(offset - (offset % block), length + (offset % block));
  const end = range.sector + Math.ceil(range.count / blockSectors) * blockSectors;
  const step = WARM_BYTES / SECTOR_SIZE;
  const buffer = pool.get(WARM_BYTES);
  for (let at = range.sector; at < end && isWanted(); at += step) {
    await port.read(at, Math.min(step, end - at), buffer);
    // A device that answers at once would otherwise keep everybody else waiting.
    await setImmediate();
  }
  // After a failure somebody may still write into it: then it is not used again.
  pool.put(buffer);
}
