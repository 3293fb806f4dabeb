import { fail } from '@interposer/core';

/**
 * The arithmetic of stripes. Sectors of the row and of a stripe both count from 0. Divisions are of safe integers, for which
 * the floor of the quotient is exact; `%` would be several times slower where numbers exceed 31 bits.
 */
export class Layout {
  readonly stripes: number;
  /** Sectors. */
  readonly chunk: number;
  /** Sectors of the row on each stripe. */
  readonly share: number;

  /** Use `layoutOf`. */
  constructor(stripes: number, chunk: number, share: number) {
    this.stripes = stripes;
    this.chunk = chunk;
    this.share = share;
  }

  /** On which stripe a sector of the row lies. */
  stripeOf(sector: number): number {
    const chunk = Math.floor(sector / this.chunk);
    return chunk - Math.floor(chunk / this.stripes) * this.stripes;
  }

  /** Where on its stripe a sector of the row lies. */
  sectorOf(sector: number): number {
    const chunk = Math.floor(sector / this.chunk);
    return sector - (chunk - Math.floor(chunk / this.stripes)) * this.chunk;
  }

  /** How many of a stripe's sectors come before a sector of the row. Kernel: stripe_map_range_sector. */
  shareBefore(sector: number, stripe: number): number {
    const chunk = Math.floor(sector / this.chunk);
    const turn = Math.floor(chunk / this.stripes);
    const current = chunk - turn * this.stripes;
    if (stripe < current) return (turn + 1) * this.chunk;
    if (stripe > current) return turn * this.chunk;
    return sector - (chunk - turn) * this.chunk;
  }

  /** Which sector of the row a stripe's sector is. */
  rowSectorOf(stripe: number, sector: number): number {
    const turn = Math.floor(sector / this.chunk);
    return sector + (turn * (this.stripes - 1) + stripe) * this.chunk;
  }
}

/** The layout of a row of a length in sectors. EINVAL unless the stripes' shares are equal and whole numbers of chunks. */
export function layoutOf(sectors: number, stripes: number, chunk: number): Layout {
  const share = sectors / stripes;
  if (!Number.isInteger(share)) {
    throw fail(
      'EINVAL',
      `Target length not divisible by number of stripes (${String(sectors)} sectors over ${String(stripes)})`,
    );
  }
  if (share % chunk !== 0) {
    throw fail(
      'EINVAL',
      `Target length not divisible by chunk size (${String(share)} sectors on each stripe, chunks of ${String(chunk)})`,
    );
  }
  return new Layout(stripes, chunk, share);
}
