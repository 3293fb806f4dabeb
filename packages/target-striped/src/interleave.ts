import type { Extent } from '@interposer/core';
import type { Layout } from './layout.ts';

/**
 * The extents of a row's sectors from `first` to before `end`, out of those of each stripe; all count from 0. Where all
 * stripes are of one kind a single extent covers all of them, so that the work goes with the answer, not with the chunks.
 */
export function interleave(
  layout: Layout,
  stripes: readonly (readonly Extent[])[],
  first: number,
  end: number,
): Extent[] {
  const cursors = stripes.map((extents, stripe) => new Cursor(layout, stripe, extents));
  const extents: Extent[] = [];
  for (let at = first; at < end;) {
    for (const cursor of cursors) cursor.advance(at);
    const { hole, zero } = cursors[layout.stripeOf(at)]!.current!;
    const left = cursors.filter((cursor) => cursor.current !== undefined);
    const alike = left.every(({ current }) => current?.hole === hole && current.zero === zero);
    const stop = alike
      ? Math.min(...left.map((cursor) => cursor.rowEnd))
      : Math.min(cursors[layout.stripeOf(at)]!.rowEnd, at - (at % layout.chunk) + layout.chunk);
    const to = Math.min(end, stop);
    extents.push({ sector: at, count: to - at, hole, zero });
    at = to;
  }
  return extents;
}

/** Goes through the extents of one stripe. */
class Cursor {
  readonly #layout: Layout;
  readonly #stripe: number;
  readonly #extents: readonly Extent[];
  #index = 0;

  constructor(layout: Layout, stripe: number, extents: readonly Extent[]) {
    this.#layout = layout;
    this.#stripe = stripe;
    this.#extents = extents;
  }

  /** The extent that the stripe has at a sector of the row, or next behind it; undefined: none is left. */
  get current(): Extent | undefined {
    return this.#extents[this.#index];
  }

  /** The sector of the row behind the last one of the current extent. */
  get rowEnd(): number {
    const { sector, count } = this.current!;
    return this.#layout.rowSectorOf(this.#stripe, sector + count - 1) + 1;
  }

  advance(at: number): void {
    while (this.current !== undefined && this.rowEnd <= at) this.#index++;
  }
}
