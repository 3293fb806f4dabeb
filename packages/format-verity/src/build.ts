import { SECTOR_SIZE } from '@interposer/core';
import { BlockHasher, hexOfDigest } from './hash.ts';
import type { VerityParams } from './params.ts';
import { readBlocks, type SectorSource, type SectorStore } from './store.ts';
import { layOutTree, type TreeLayout } from './tree.ts';

/** Bytes that are read at a time: between two of them others get their turn. */
export const CHUNK: number = 2 ** 20;

/** The places of an image. */
export interface TreePlaces {
  readonly params: VerityParams;
  readonly data: SectorSource;
  /** May be the same device as the data. */
  readonly hash: SectorSource;
  /** The first block of the tree on the hash device, in hash blocks; see `treeStart`. */
  readonly hashStart: number;
}

/** A block of the tree that is complete. */
interface Ready {
  readonly block: number;
  readonly bytes: Buffer;
}

/**
 * Hashes the data and writes the tree, in one pass over the data. Resolves to the root hash in hexadecimal, on which all trust
 * rests: it stands nowhere on the devices. Nothing is flushed.
 */
export async function buildTree(places: TreePlaces & { readonly hash: SectorStore }): Promise<string> {
  const { params, data, hash, hashStart } = places;
  const layout = layOutTree(params, hashStart);
  const hasher = new BlockHasher(params, params.dataBlockSize);
  const tree = new TreeBuilder(params, layout);
  const perChunk = Math.max(1, CHUNK / params.dataBlockSize);
  for (let block = 0; block < params.dataBlocks; block += perChunk) {
    const count = Math.min(perChunk, params.dataBlocks - block);
    const bytes = await readBlocks(data, params.dataBlockSize, block, count);
    for (let at = 0; at < bytes.length; at += params.dataBlockSize) tree.add(0, hasher.digest(bytes, at));
    await writeReady(hash, params.hashBlockSize, tree.takeReady());
  }
  const root = tree.finish();
  await writeReady(hash, params.hashBlockSize, tree.takeReady());
  return hexOfDigest(root);
}

/** Blocks that follow one another are written as one. */
async function writeReady(hash: SectorStore, blockSize: number, ready: readonly Ready[]): Promise<void> {
  const ordered = [...ready].sort((a, b) => a.block - b.block);
  for (let from = 0; from < ordered.length;) {
    let to = from + 1;
    while (ordered[to]?.block === ordered[to - 1]!.block + 1) to++;
    const bytes = Buffer.concat(ordered.slice(from, to).map((one) => one.bytes));
    await hash.write((ordered[from]!.block * blockSize) / SECTOR_SIZE, bytes);
    from = to;
  }
}

/** Fills the blocks of all levels at once as digests come, so that nothing is read again. */
class TreeBuilder {
  readonly #layout: TreeLayout;
  readonly #hasher: BlockHasher;
  readonly #filling: Buffer[];
  /** Digests that each level has got. */
  readonly #counts: number[];
  #ready: Ready[] = [];
  #root: Buffer = Buffer.alloc(0);

  constructor(params: VerityParams, layout: TreeLayout) {
    this.#layout = layout;
    this.#hasher = new BlockHasher(params, params.hashBlockSize);
    this.#filling = layout.levels.map(() => Buffer.alloc(params.hashBlockSize));
    this.#counts = layout.levels.map(() => 0);
  }

  /** Takes the next digest of a level; the one above the last level is the root. */
  add(level: number, digest: Buffer): void {
    if (level === this.#layout.levels.length) {
      this.#root = digest;
      return;
    }
    const { perBlock, slot } = this.#layout;
    const index = this.#counts[level]!++ % perBlock;
    digest.copy(this.#filling[level]!, index * slot);
    if (index === perBlock - 1) this.#complete(level);
  }

  takeReady(): readonly Ready[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** The last block of each level has zeroes at its end. Answers the root's digest. */
  finish(): Buffer {
    for (const level of this.#layout.levels.keys()) {
      if (this.#counts[level]! % this.#layout.perBlock !== 0) this.#complete(level);
    }
    return this.#root;
  }

  #complete(level: number): void {
    const { levels, perBlock } = this.#layout;
    const filled = this.#filling[level]!;
    const index = Math.ceil(this.#counts[level]! / perBlock) - 1;
    this.#ready.push({ block: levels[level]!.start + index, bytes: Buffer.from(filled) });
    this.add(level + 1, this.#hasher.digest(filled, 0));
    filled.fill(0);
  }
}
