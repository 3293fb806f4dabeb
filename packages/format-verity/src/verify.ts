import { BlockHasher, hexOfDigest } from './hash.ts';
import { CHUNK, type TreePlaces } from './build.ts';
import type { VerityParams } from './params.ts';
import { readBlocks, type SectorSource } from './store.ts';
import { layOutTree, type TreeLayout } from './tree.ts';

/** Something in an image that is not as its root hash says. */
export interface Mismatch {
  /**
   * `block`: a block whose digest is another than the tree says. `spare`: bytes of the tree without a meaning, which must be
   * zeroes, are none. `root`: the top of the tree has another digest than the root hash.
   */
  readonly kind: 'block' | 'spare' | 'root';
  /** The device it is on. */
  readonly on: 'data' | 'hash';
  /** Its first byte there. */
  readonly position: number;
}

/**
 * Checks every block of data and of the tree, from the data upwards. Resolves to what is wrong: at most `most`, for it stops
 * then, and nothing where all is well. Rejects where something cannot be read.
 */
export async function verifyTree(places: TreePlaces, rootHash: string, most = 1): Promise<Mismatch[]> {
  const layout = layOutTree(places.params, places.hashStart);
  const found: Mismatch[] = [];
  for (const level of layout.levels.keys()) {
    for await (const mismatch of checkLevel(places, layout, level)) {
      found.push(mismatch);
      if (found.length === most) return found;
    }
  }
  const top = sourceOf(places, layout, layout.levels.length);
  const bytes = await readBlocks(top.source, top.blockSize, top.start, 1);
  const digest = new BlockHasher(places.params, top.blockSize).digest(bytes, 0);
  if (hexOfDigest(digest) !== rootHash.toLowerCase())
    found.push({ kind: 'root', on: top.on, position: top.start * top.blockSize });
  return found;
}

/** The blocks whose digests a level has. */
interface Hashed {
  readonly source: SectorSource;
  readonly on: 'data' | 'hash';
  readonly blockSize: number;
  readonly start: number;
  readonly blocks: number;
}

function sourceOf({ params, data, hash }: TreePlaces, layout: TreeLayout, level: number): Hashed {
  const below = layout.levels[level - 1];
  return below === undefined
    ? { source: data, on: 'data', blockSize: params.dataBlockSize, start: 0, blocks: params.dataBlocks }
    : { source: hash, on: 'hash', blockSize: params.hashBlockSize, ...below };
}

/** Hash block by hash block of a level, with all that it has the digests of. */
async function* checkLevel(
  { params, hash, hashStart, data }: TreePlaces,
  layout: TreeLayout,
  level: number,
): AsyncGenerator<Mismatch> {
  const below = sourceOf({ params, hash, hashStart, data }, layout, level);
  const { start, blocks } = layout.levels[level]!;
  const check = new HashBlockCheck(params, layout, below);
  for (let index = 0; index < blocks; index++) {
    const tree = await readBlocks(hash, params.hashBlockSize, start + index, 1);
    const first = index * layout.perBlock;
    const count = Math.min(layout.perBlock, below.blocks - first);
    const perChunk = Math.max(1, CHUNK / below.blockSize);
    for (let from = 0; from < count; from += perChunk) {
      const many = Math.min(perChunk, count - from);
      const bytes = await readBlocks(below.source, below.blockSize, below.start + first + from, many);
      yield* check.digests(tree, (start + index) * params.hashBlockSize, first, from, bytes);
    }
    yield* check.tail(tree, (start + index) * params.hashBlockSize, count);
  }
}

/** Holds the digests in a block of the tree against what they are of. */
class HashBlockCheck {
  readonly #layout: TreeLayout;
  readonly #below: Hashed;
  readonly #hasher: BlockHasher;

  constructor(params: VerityParams, layout: TreeLayout, below: Hashed) {
    this.#layout = layout;
    this.#below = below;
    this.#hasher = new BlockHasher(params, below.blockSize);
  }

  /** Those of the given bytes, the first of which has the digest of number `from` in the block. `position`: of the block, in bytes. */
  *digests(tree: Buffer, position: number, first: number, from: number, bytes: Buffer): Generator<Mismatch> {
    const { slot, digestSize } = this.#layout;
    const { blockSize, start, on } = this.#below;
    for (let at = 0; at < bytes.length; at += blockSize) {
      const index = from + at / blockSize;
      if (!this.#hasher.matches(bytes, at, tree, index * slot))
        yield { kind: 'block', on, position: (start + first + index) * blockSize };
      if (!isZero(tree, index * slot + digestSize, (index + 1) * slot))
        yield { kind: 'spare', on: 'hash', position: position + index * slot + digestSize };
    }
  }

  /** Behind the last digest. */
  *tail(tree: Buffer, position: number, count: number): Generator<Mismatch> {
    const end = count * this.#layout.slot;
    if (!isZero(tree, end, tree.length)) yield { kind: 'spare', on: 'hash', position: position + end };
  }
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
