import type { Random } from '@interposer/core';

const BITS = 8;

/**
 * Flips so many different bits of a window of bytes: anywhere, or of one byte of it. Nothing where the window ends before
 * that byte; all of them where it has not so many.
 */
export function flipBits(
  buffer: Uint8Array,
  offset: number,
  bytes: number,
  wanted: { readonly bits: number; readonly at: number | undefined },
  random: Random,
): void {
  const { bits, at } = wanted;
  if (at !== undefined && at >= bytes) return;
  const first = (at ?? 0) * BITS;
  const room = at === undefined ? bytes * BITS : BITS;
  const flipped = new Set<number>();
  while (flipped.size < Math.min(bits, room)) flipped.add(first + random.below(room));
  for (const bit of flipped) buffer[offset + Math.floor(bit / BITS)]! ^= 1 << (bit % BITS);
}
