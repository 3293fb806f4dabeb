import { BioFlag, BioOp, fail, hasOp, type Port, SECTOR_SIZE } from '@interposer/core';
import { LogFlag } from './format.ts';
import { type LogEntry, readLog } from './read-log.ts';

/** Where no write-zeroes is to be had, zeroes are written in pieces of so many sectors. */
const MOST_ZEROES = 2048;

/** How far to replay a log, and how. */
export interface ReplayOptions {
  /** A text: up to and with the first mark of it. A number: so many entries from the start. Absent: all of it. */
  readonly until?: string | number;
  /** Whether the target is told of each flush and FUA of the log, too. By default it is flushed once, at the end. */
  readonly flushes?: boolean;
}

/**
 * Does to the target what the log tells; answers how many entries that was, marks and flushes counted. The target must have
 * the sectors that were logged, and holds what the logged device held before. What was discarded becomes zeroes. ENOENT for a
 * mark that is not there, when everything has been replayed.
 */
export async function replay(log: Port, target: Port, options: ReplayOptions = {}): Promise<number> {
  const { until, flushes = false } = options;
  const most = typeof until === 'number' ? until : Infinity;
  let replayed = 0;
  let found = typeof until !== 'string';
  if (most > 0) {
    for await (const entry of readLog(log)) {
      await apply(entry, target, flushes);
      replayed++;
      found ||= entry.mark === until;
      if (replayed === most || (typeof until === 'string' && found)) break;
    }
  }
  await target.flush();
  if (!found) throw fail('ENOENT', `the log has no mark "${String(until)}"`);
  return replayed;
}

async function apply(
  { flags, sector, count, data }: LogEntry,
  target: Port,
  flushes: boolean,
): Promise<void> {
  if (flushes && (flags & LogFlag.Flush) !== 0) await target.flush();
  if (count === 0) return;
  if ((flags & LogFlag.Discard) !== 0) await zero(target, sector, count);
  else await target.write(sector, data, flushes && (flags & LogFlag.Fua) !== 0 ? BioFlag.Fua : 0);
}

async function zero(target: Port, sector: number, count: number): Promise<void> {
  if (hasOp(target.limits.ops, BioOp.WriteZeroes)) {
    await target.writeZeroes(sector, count);
    return;
  }
  const zeroes = new Uint8Array(Math.min(count, MOST_ZEROES) * SECTOR_SIZE);
  for (let done = 0; done < count; done += MOST_ZEROES) {
    const piece = Math.min(count - done, MOST_ZEROES);
    await target.write(sector + done, zeroes.subarray(0, piece * SECTOR_SIZE));
  }
}
