import { type Engine, fail, SECTOR_SIZE } from '@interposer/core';
import { LogFlag, readLog, readLogHeader } from '@interposer/write-log';

/** The mark with which the target ends a log that it could write to the end. */
const END_MARK = 'dm-log-writes-end';

/**
 * Bytes that a finished log takes of its file. ENOSPC if the target gave up before the end: a search through part of what
 * happened would find less than it says.
 */
export async function lengthOfLog(engine: Engine, path: string): Promise<number> {
  const log = await engine.open(path, { mode: 'read', claim: 'shared', holder: 'log' });
  try {
    const block = (await readLogHeader(log)).blockSize / SECTOR_SIZE;
    let sectors = block;
    let last: string | undefined;
    for await (const { flags, count, mark } of readLog(log)) {
      sectors += block + ((flags & LogFlag.Discard) === 0 ? count : 0);
      last = mark;
    }
    if (last !== END_MARK) {
      throw fail('ENOSPC', `the log of writes is not whole: there was no room for all of it in ${path}`);
    }
    return sectors * SECTOR_SIZE;
  } finally {
    log.close();
  }
}
