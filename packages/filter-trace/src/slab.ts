import type { Timer } from '@interposer/core';
import { RECORD_SIZE } from './format.ts';

/** Bytes of a slab: whole records and whole pages. */
export const SLAB_SIZE: number = 8192 * RECORD_SIZE;

/** A stretch of records on its way to the file. */
export class Slab {
  readonly bytes: Uint8Array = new Uint8Array(SLAB_SIZE);
  readonly view: DataView = new DataView(this.bytes.buffer);
  /** Bytes that have records in them. */
  filled = 0;
  /** Bytes that may have. */
  end = 0;
  /** Bios among its records. */
  bios = 0;
  /** Started with its first record: nobody waits for ever for a slab to be full. */
  timer: Timer | null = null;

  /** Empties it, for so many bytes. */
  begin(end: number): void {
    this.filled = 0;
    this.bios = 0;
    this.end = end;
  }
}
