import { fail } from '@interposer/core';
import { checkParams, type VerityParams } from './params.ts';

/** A level of the tree: blocks of digests. */
export interface TreeLevel {
  /** Its first block on the hash device, in hash blocks. */
  readonly start: number;
  /** How many blocks it has. */
  readonly blocks: number;
}

/** Where the digests lie. Kernel: verity_hash_at_level. */
export interface TreeLayout {
  /** Digests in a block: a power of two. */
  readonly perBlock: number;
  /** Bytes from one digest to the next. Type 1 pads each to a power of two, type 0 packs them. */
  readonly slot: number;
  /** Bytes of a digest. */
  readonly digestSize: number;
  /** The lowest, which has the digests of the data, first; none where there is one block of data. */
  readonly levels: readonly TreeLevel[];
  /** Blocks of the whole tree. */
  readonly blocks: number;
  /** The block behind the tree, on the hash device. */
  readonly end: number;
}

/** More levels the kernel does not take; only blocks far too small for their digests come near. */
const MAX_LEVELS = 63;

/** Lays the tree out from a block of the hash device on: the top level first, then down. EINVAL for what is no such tree. */
export function layOutTree(params: VerityParams, hashStart: number): TreeLayout {
  checkParams(params);
  const { algorithm, hashBlockSize, dataBlocks, hashType } = params;
  const { digestSize } = algorithm;
  const perBlock = 2 ** Math.floor(Math.log2(hashBlockSize / digestSize));
  if (perBlock < 2)
    throw fail(
      'EINVAL',
      `two digests of ${algorithm.name} do not fit a block of ${String(hashBlockSize)} bytes`,
    );
  const sizes = levelSizes(dataBlocks, perBlock);
  const levels: TreeLevel[] = [];
  let end = hashStart;
  for (const blocks of [...sizes].reverse()) {
    levels.unshift({ start: end, blocks });
    end += blocks;
  }
  if (levels.length > MAX_LEVELS || !Number.isSafeInteger(end * hashBlockSize))
    throw fail('EINVAL', 'the tree of hashes would be too large');
  const slot = hashType === 1 ? hashBlockSize / perBlock : digestSize;
  return { perBlock, slot, digestSize, levels, blocks: end - hashStart, end };
}

/** Blocks of each level, up to the one that is a single block. */
function levelSizes(dataBlocks: number, perBlock: number): number[] {
  const sizes: number[] = [];
  for (let blocks = dataBlocks; blocks > 1;) {
    blocks = Math.ceil(blocks / perBlock);
    sizes.push(blocks);
  }
  return sizes;
}
