import { dataExtent, type Extent, mergeExtents, SECTOR_SIZE, Status } from '@interposer/core';
import { AllocationFlag, MAX_EXTENTS, NbdCommand, type StatusExtent } from '@interposer/nbd-protocol';
import type { RemoteExport } from './handshake.ts';
import { COMPACT_SECTORS } from './remote-limits.ts';
import type { TaskRunner } from './request.ts';

/** Sectors, and where a question may begin: at multiples of so many. */
export interface StatusRange {
  readonly sector: number;
  readonly count: number;
  readonly block: number;
}

/** The extents of a range, from as many answers as it takes. What the server does not tell is data. */
export async function remoteExtents(
  runner: TaskRunner,
  { headers, allocation }: RemoteExport,
  { sector, count, block }: StatusRange,
): Promise<Extent[]> {
  const end = sector + count;
  const most = headers === 'extended' ? count : COMPACT_SECTORS - block;
  const extents: Extent[] = [];
  let at = sector;
  while (allocation !== undefined && at < end && extents.length < MAX_EXTENTS) {
    const length = Math.min(end - at, most);
    const found = wholeSectors(at, at + length, await askStatus(runner, at, length));
    const last = found.at(-1);
    const next = last === undefined ? at : last.sector + last.count;
    const reached = next === end ? end : next - (next % block);
    // An answer that gets nobody further is none.
    if (reached <= at) break;
    extents.push(...cutAt(found, reached));
    at = reached;
  }
  if (at < end) extents.push(dataExtent(at, end - at));
  return mergeExtents(extents);
}

/** One BLOCK_STATUS; nothing if the server does not tell. */
function askStatus(runner: TaskRunner, sector: number, count: number): Promise<readonly StatusExtent[]> {
  return new Promise((resolve) => {
    const done = (status: Status, extents: readonly StatusExtent[] = []): void =>
      resolve(status === Status.Ok ? extents : []);
    runner.start({ survives: true, done }, (request) => {
      request.command = NbdCommand.BlockStatus;
      request.sector = sector;
      request.count = count;
    });
  });
}

/** Runs of bytes from a sector on as runs of sectors before `end`. A sector of two kinds is data. */
function wholeSectors(sector: number, end: number, told: readonly StatusExtent[]): Extent[] {
  const extents: Extent[] = [];
  let at = sector;
  let byte = sector * SECTOR_SIZE;
  for (const { length, flags } of told) {
    const start = byte;
    const first = at;
    byte += length;
    const after = Math.min(end, Math.floor(byte / SECTOR_SIZE));
    if (after <= first) continue;
    const begins = start <= first * SECTOR_SIZE ? first : first + 1;
    if (begins > first) extents.push(dataExtent(first, 1));
    if (after > begins) extents.push(extentOf(begins, after - begins, flags));
    at = after;
    if (at === end) break;
  }
  return extents;
}

function extentOf(sector: number, count: number, flags: number): Extent {
  // Flags beyond these two are for others to know; of a number beyond all, nothing is known.
  const known = Number.isFinite(flags) ? flags % 4 : 0;
  return {
    sector,
    count,
    hole: (known & AllocationFlag.Hole) !== 0,
    zero: (known & AllocationFlag.Zero) !== 0,
  };
}

function cutAt(extents: readonly Extent[], end: number): Extent[] {
  return extents
    .filter(({ sector }) => sector < end)
    .map((extent) => ({ ...extent, count: Math.min(extent.count, end - extent.sector) }));
}
