import type { FirstFailing } from './first-failing.ts';
import type { Epoch } from './history.ts';
import { type Piece, type Selection, whole } from './selection.ts';
import { afterFua, atFua } from './selections.ts';

/** Looks at selections in their order; the first that fails. */
export type Attempt = (selections: readonly Selection[]) => Promise<FirstFailing<Selection> | undefined>;

/**
 * The smallest part of a failing selection that still fails: without any one of its loose writes it passes, or where it has
 * none, without the last write with FUA. A write stays torn only if it passes with all of it, too.
 */
export async function shrink(epoch: Epoch, failing: Selection, attempt: Attempt): Promise<Selection> {
  const loose = failing.pieces.filter(({ write }) => write.kind !== 'fua');
  const left = await shrinkLoose(epoch, loose, attempt);
  if (left.length > 0) return afterFua(epoch, left);
  return shrinkChain(epoch, failing, attempt);
}

async function shrinkLoose(epoch: Epoch, pieces: readonly Piece[], attempt: Attempt): Promise<Piece[]> {
  let left = [...pieces];
  if (left.length === 0 || (await attempt([afterFua(epoch, [])])) !== undefined) return [];
  for (;;) {
    left = await fewest(epoch, left, attempt);
    const mended = await attempt(left.flatMap((piece, index) => mend(epoch, left, piece, index)));
    if (mended === undefined) return left;
    left = mended.item.pieces.filter(({ write }) => write.kind !== 'fua');
  }
}

/** The same with a torn piece whole. */
function mend(epoch: Epoch, pieces: readonly Piece[], { write, tear }: Piece, index: number): Selection[] {
  return tear === null ? [] : [afterFua(epoch, pieces.with(index, whole(write)))];
}

/** Fewest pieces that fail, of some that do, where none does not: Zeller's ddmin. */
async function fewest(epoch: Epoch, pieces: readonly Piece[], attempt: Attempt): Promise<Piece[]> {
  let left = [...pieces];
  let parts = 2;
  while (left.length > 1) {
    const size = Math.ceil(left.length / parts);
    const some = Array.from({ length: Math.ceil(left.length / size) }, (_, part) =>
      left.slice(part * size, (part + 1) * size),
    );
    const rest = some.map((_, part) => some.toSpliced(part, 1).flat());
    const tried = [...some, ...rest];
    const found = await attempt(tried.map((one) => afterFua(epoch, one)));
    if (found !== undefined) {
      left = tried[found.index]!;
      parts = found.index < some.length ? 2 : Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(left.length, parts * 2);
  }
  return left;
}

/** Fewest writes with FUA, when nothing else is needed. */
async function shrinkChain(epoch: Epoch, failing: Selection, attempt: Attempt): Promise<Selection> {
  const last = failing.pieces.findLast(({ write }) => write.kind === 'fua');
  let current = failing;
  let kept = failing.pieces.filter(({ write }) => write.kind === 'fua').length;
  if (last !== undefined && last.tear !== null) {
    kept--;
    const less = atFua(epoch, kept);
    const mended = atFua(epoch, kept + 1);
    const found = await attempt([less, mended]);
    if (found === undefined) return current;
    current = found.item;
    if (current === mended) return current;
  } else current = atFua(epoch, kept);
  while (kept > 0) {
    const less = atFua(epoch, --kept);
    if ((await attempt([less])) === undefined) break;
    current = less;
  }
  return current;
}
