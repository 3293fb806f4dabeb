import type { LogWrite } from './log-write.ts';
import type { Tear } from './tears.ts';

/** A write of which something is kept. */
export interface Piece {
  readonly write: LogWrite;
  /** Null: all of it. */
  readonly tear: Tear | null;
}

/** What a crash kept of an epoch, and what had been promised by then. */
export interface Selection {
  /** In the order of the log. */
  readonly pieces: readonly Piece[];
  /** How many of the marks of the log. */
  readonly promised: number;
}

/** All of a write. */
export function whole(write: LogWrite): Piece {
  return { write, tear: null };
}

/** Pieces in the order of the log, which is that in which they are applied. */
export function inOrder(pieces: readonly Piece[]): Piece[] {
  return [...pieces].sort((a, b) => a.write.entry - b.write.entry);
}

/** Equal for equal selections of one epoch. */
export function selectionKey({ pieces, promised }: Selection): string {
  const words = pieces.map(({ write, tear }) =>
    tear === null ? String(write.entry) : `${String(write.entry)}:${tear.flat().join('-')}`,
  );
  return `${String(promised)} ${words.join(' ')}`;
}

/** The sectors of the disk that a piece covers, as runs. */
export function runsOf({ write, tear }: Piece): { sector: number; count: number }[] {
  const runs = tear ?? [[0, write.count] as const];
  return runs.map(([from, to]) => ({ sector: write.sector + from, count: to - from }));
}
