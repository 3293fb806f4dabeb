import { BlockHasher, type VerityParams } from '@interposer/format-verity';
import type { HashTree } from './hash-tree.ts';
import type { VerityOptions } from './options.ts';
import { VerifiedBlocks } from './verified-blocks.ts';

/** Holds blocks of data against their digests, and remembers those that were right where that is asked for. */
export class DataCheck {
  /** The digest of a block of zeroes, where such blocks are not looked at; else null. */
  readonly zeroDigest: Uint8Array | null;
  readonly #tree: HashTree;
  readonly #hasher: BlockHasher;
  readonly #blockSize: number;
  readonly #verified: VerifiedBlocks | null;

  constructor(tree: HashTree, params: VerityParams, options: VerityOptions) {
    this.#tree = tree;
    this.#blockSize = params.dataBlockSize;
    this.#hasher = new BlockHasher(params, params.dataBlockSize);
    this.zeroDigest = options.ignoreZeroBlocks
      ? this.#hasher.digest(new Uint8Array(this.#blockSize), 0)
      : null;
    this.#verified = options.checkAtMostOnce ? new VerifiedBlocks(params.dataBlocks) : null;
  }

  /** Whether so many blocks need not be looked at. */
  isDone(block: number, count: number): boolean {
    return this.#verified?.hasAll(block, count) === true;
  }

  /**
   * Verifies what can be at once: a block and those that follow it, from a byte of a buffer to another. Answers the byte of the
   * first block that takes more. What was not read, `isUnread`, is no block that was verified before.
   */
  verify(buffer: Uint8Array, from: number, to: number, firstBlock: number, isUnread: boolean): number {
    const tree = this.#tree;
    const known = isUnread ? null : this.#verified;
    let block = firstBlock;
    for (let at = from; at < to; at += this.#blockSize, block++) {
      if (known?.has(block) === true) continue;
      if (!tree.find(block) || !this.isRight(buffer, at, block, tree.digests, tree.digestAt)) return at;
    }
    return to;
  }

  /** A block that must be zeroes is made so, whatever was read. */
  isRight(buffer: Uint8Array, offset: number, block: number, digests: Uint8Array, digestAt: number): boolean {
    if (this.zeroDigest !== null && isAt(this.zeroDigest, digests, digestAt)) {
      buffer.fill(0, offset, offset + this.#blockSize);
      return true;
    }
    if (!this.#hasher.matches(buffer, offset, digests, digestAt)) return false;
    this.#verified?.add(block);
    return true;
  }
}

/** Whether bytes are the same as those from a place on. */
function isAt(bytes: Uint8Array, others: Uint8Array, place: number): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== others[place + at]) return false;
  return true;
}
