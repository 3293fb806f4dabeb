import { SECTOR_SIZE } from '@interposer/core';

/** How a write stands in the log: plain, with FUA, or as a discard, which leaves zeroes. */
export type WriteKind = 'write' | 'fua' | 'discard';

/** A write that a log tells of. */
export interface LoggedWrite {
  /** Number of its entry in the log, from 0. */
  readonly entry: number;
  /** Place and length in sectors. */
  readonly sector: number;
  readonly count: number;
  readonly kind: WriteKind;
}

/** A write with its data. */
export class LogWrite implements LoggedWrite {
  readonly entry: number;
  readonly sector: number;
  readonly count: number;
  readonly kind: WriteKind;
  /** What was written; null for a discard. */
  readonly data: Uint8Array | null;

  constructor({ entry, sector, count, kind }: LoggedWrite, data: Uint8Array | null) {
    this.entry = entry;
    this.sector = sector;
    this.count = count;
    this.kind = kind;
    this.data = data;
  }

  /** The sector behind it. */
  get end(): number {
    return this.sector + this.count;
  }

  /** Where the data of a sector of it begins, in bytes. */
  offsetOf(sector: number): number {
    return (sector - this.sector) * SECTOR_SIZE;
  }
}
