import { createHash } from 'node:crypto';
import { fail, type Port } from '@interposer/core';
import { type LogEntry, LogFlag, readLog } from '@interposer/write-log';
import { LogWrite, type WriteKind } from './log-write.ts';

/** The mark that the log-writes target ends each log with; it promises nothing. */
const END_MARK = 'dm-log-writes-end';

/** What a log tells from one flush to the next. */
export interface Epoch {
  /** From 0. */
  readonly number: number;
  /** In the order of the log. */
  readonly writes: readonly LogWrite[];
  /** Of those the writes with FUA, and the others. */
  readonly fua: readonly LogWrite[];
  readonly loose: readonly LogWrite[];
  /** For each write with FUA: how many marks of the log stand before it. */
  readonly promisedBefore: readonly number[];
  /** How many marks of the log stand before its end. */
  readonly promised: number;
  /** False for the last one, which the log just ends in. */
  readonly flushed: boolean;
  /** First and last entry; undefined where it has none. */
  readonly entries: readonly [first: number, last: number] | undefined;
}

/** A log, cut at its flushes. */
export interface History {
  /** Texts of all marks but the last, which is the target's own. */
  readonly marks: readonly string[];
  /** At least one: that behind the last flush, which may have no writes. */
  readonly epochs: readonly Epoch[];
  /** SHA-256 of what the log tells, in hexadecimal digits. */
  readonly hash: string;
}

/** An epoch that is being read. */
interface Draft {
  readonly writes: LogWrite[];
  readonly promisedBefore: number[];
  first: number | undefined;
  last: number;
}

/**
 * Reads a log whole; its data stays in memory. A flush that covers no write does not end an epoch. EINVAL for what `readLog`
 * refuses, and for a write beyond `sectors`.
 */
export async function readHistory(log: Port, sectors: number): Promise<History> {
  const hash = createHash('sha256');
  const marks: string[] = [];
  const epochs: Epoch[] = [];
  let draft = newDraft();
  const cut = (flushed: boolean): void => {
    epochs.push(finish(draft, epochs.length, marks.length, flushed));
    draft = newDraft();
  };
  for await (const entry of readLog(log)) {
    hash.update(JSON.stringify([entry.flags, entry.sector, entry.count, entry.mark])).update(entry.data);
    if (entry.mark === END_MARK) continue;
    draft.first ??= entry.index;
    draft.last = entry.index;
    if (entry.mark !== undefined) marks.push(entry.mark);
    // An entry with both flushes first: a preflush.
    if ((entry.flags & LogFlag.Flush) !== 0 && draft.writes.length > 0) cut(true);
    if (entry.count > 0) addWrite(draft, entry, sectors, marks.length);
  }
  cut(false);
  return { marks, epochs, hash: hash.digest('hex') };
}

function newDraft(): Draft {
  return { writes: [], promisedBefore: [], first: undefined, last: 0 };
}

function addWrite(draft: Draft, entry: LogEntry, sectors: number, promised: number): void {
  const { index, flags, sector, count, data } = entry;
  if (sector + count > sectors) {
    throw fail(
      'EINVAL',
      `entry ${String(index)} of the log writes sectors ${String(sector)}+${String(count)}, but the base has ${String(sectors)}`,
    );
  }
  const kind = kindOf(flags);
  if (kind === 'fua') draft.promisedBefore.push(promised);
  draft.first ??= index;
  draft.last = index;
  draft.writes.push(new LogWrite({ entry: index, sector, count, kind }, kind === 'discard' ? null : data));
}

function kindOf(flags: number): WriteKind {
  if ((flags & LogFlag.Discard) !== 0) return 'discard';
  return (flags & LogFlag.Fua) === 0 ? 'write' : 'fua';
}

function finish(
  { writes, promisedBefore, first, last }: Draft,
  number: number,
  promised: number,
  flushed: boolean,
): Epoch {
  return {
    number,
    writes,
    fua: writes.filter(({ kind }) => kind === 'fua'),
    loose: writes.filter(({ kind }) => kind !== 'fua'),
    promisedBefore,
    promised,
    flushed,
    entries: first === undefined ? undefined : [first, last],
  };
}
