import { fail, type Port } from '@interposer/core';
import {
  BlockHasher,
  digestAt,
  readBlocks,
  type TreeLayout,
  type VerityParams,
} from '@interposer/format-verity';
import { BlockCache, type HashBlock } from './block-cache.ts';
import type { Damage } from './damage.ts';
import type { Repair } from './repair.ts';

/** The level of the data: its digests are in level 0. */
const DATA = -1;

/** Bytes of neighbours that are read with a block of the tree: whoever reads on needs them next. */
const CLUSTER = 64 * 1024;

/**
 * The tree of hashes, of which verified blocks are kept. What is at hand is answered at once; only what must be read, or put
 * right, takes a promise.
 */
export class HashTree {
  readonly #port: Port;
  readonly #layout: TreeLayout;
  readonly #blockSize: number;
  readonly #hasher: BlockHasher;
  readonly #root: string;
  readonly #damage: Damage;
  readonly #cache: BlockCache;
  /** Set once, after construction: parity covers the tree, and asks it for digests. */
  repair: Repair | null = null;
  /** Reads under way, by the first block of the cluster. */
  readonly #reading = new Map<number, Promise<void>>();
  /** The block of level 0 that was used last, for most data comes in order. */
  #lastIndex = -1;
  #last: HashBlock | null = null;

  constructor(port: Port, params: VerityParams, layout: TreeLayout, root: string, damage: Damage) {
    this.#port = port;
    this.#layout = layout;
    this.#blockSize = params.hashBlockSize;
    this.#hasher = new BlockHasher(params, params.hashBlockSize);
    this.#root = root;
    this.#damage = damage;
    this.#cache = new BlockCache(params.hashBlockSize);
  }

  /** The digest that a block of data must have; null where that is not known yet. */
  digestAtHand(block: number): string | null {
    const { perBlock, slot, digestSize, levels } = this.#layout;
    if (levels.length === 0) return this.#root;
    const index = Math.floor(block / perBlock);
    if (index !== this.#lastIndex) {
      const found = this.#verified(0, index);
      if (found === null) return null;
      this.#lastIndex = index;
      this.#last = found;
    }
    return digestAt(this.#last!.bytes, (block - index * perBlock) * slot, digestSize);
  }

  /**
   * The same, whatever it takes. `repairing`: blocks of the tree that are being put right now, whose digests therefore cannot be
   * asked for. Rejects with EIO where the tree is damaged or cannot be read.
   */
  digestOf(block: number, repairing: readonly number[]): Promise<string> {
    return this.#wanted(DATA, block, repairing);
  }

  /** Begins to read what the digests of these blocks of data need, if it is not at hand. */
  prefetch(first: number, last: number): void {
    const { perBlock, levels } = this.#layout;
    if (levels.length === 0) return;
    const end = Math.floor(last / perBlock);
    for (let index = Math.floor(first / perBlock); index <= end; index++) {
      if (index === this.#lastIndex || this.#cache.has(levels[0]!.start + index)) continue;
      // Whoever needs it asks again, and hears then what went wrong.
      this.#read(0, index).catch(() => undefined);
    }
  }

  #verified(level: number, index: number): HashBlock | null {
    const found = this.#cache.get(this.#layout.levels[level]!.start + index);
    if (found === null || found.isVerified) return found;
    const wanted = this.#wantedAtHand(level, index);
    if (wanted === null || this.#hasher.digest(found.bytes, 0) !== wanted) return null;
    found.isVerified = true;
    return found;
  }

  #wantedAtHand(level: number, index: number): string | null {
    const { levels, perBlock, slot, digestSize } = this.#layout;
    if (level === levels.length - 1) return this.#root;
    const above = Math.floor(index / perBlock);
    const parent = this.#verified(level + 1, above);
    return parent === null ? null : digestAt(parent.bytes, (index - above * perBlock) * slot, digestSize);
  }

  async #wanted(level: number, index: number, repairing: readonly number[]): Promise<string> {
    const { levels, perBlock, slot, digestSize } = this.#layout;
    if (level === levels.length - 1) return this.#root;
    const above = Math.floor(index / perBlock);
    const parent = await this.#fetch(level + 1, above, repairing);
    return digestAt(parent.bytes, (index - above * perBlock) * slot, digestSize);
  }

  async #fetch(level: number, index: number, repairing: readonly number[]): Promise<HashBlock> {
    const atHand = this.#verified(level, index);
    if (atHand !== null) return atHand;
    const number = this.#layout.levels[level]!.start + index;
    if (repairing.includes(number))
      throw fail('EIO', `block ${String(number)} of the tree is being put right`);
    const wanted = await this.#wanted(level, index, repairing);
    const found = await this.#block(level, index, wanted, repairing);
    if (found.isVerified) return found;
    if (
      this.#hasher.digest(found.bytes, 0) === wanted ||
      (await this.#mend(number, wanted, found, repairing))
    ) {
      found.isVerified = true;
      return found;
    }
    // It may be read again, and be better then.
    this.#cache.forget(number);
    if (this.#damage.corrupted('metadata', number)) return found;
    throw fail('EIO', `block ${String(number)} of the tree is corrupted`);
  }

  async #mend(
    number: number,
    wanted: string,
    found: HashBlock,
    repairing: readonly number[],
  ): Promise<boolean> {
    if (this.repair === null) return false;
    return this.repair.hashBlock(number, wanted, found.bytes, repairing);
  }

  /** The block as it is on the device; where that cannot be read, as parity has it. */
  async #block(
    level: number,
    index: number,
    wanted: string,
    repairing: readonly number[],
  ): Promise<HashBlock> {
    const number = this.#layout.levels[level]!.start + index;
    const cached = this.#cache.get(number);
    if (cached !== null) return cached;
    try {
      await this.#read(level, index);
      return this.#cache.get(number) ?? this.#cache.add(number, await this.#readOne(number));
    } catch (error) {
      const mended: HashBlock = { bytes: Buffer.alloc(this.#blockSize), isVerified: true, isUsed: true };
      if (await this.#mend(number, wanted, mended, repairing)) return mended;
      this.#damage.unreadable();
      throw error;
    }
  }

  #readOne(number: number): Promise<Buffer> {
    return readBlocks(this.#port, this.#blockSize, number, 1);
  }

  /** Reads a block and its neighbours of the same level into the cache. */
  async #read(level: number, index: number): Promise<void> {
    const { start, blocks } = this.#layout.levels[level]!;
    const many = Math.max(1, CLUSTER / this.#blockSize);
    const first = index - (index % many);
    let reading = this.#reading.get(start + first);
    if (reading === undefined) {
      reading = this.#readCluster(start + first, Math.min(many, blocks - first), start + index);
      this.#reading.set(start + first, reading);
    }
    await reading;
  }

  async #readCluster(first: number, count: number, needed: number): Promise<void> {
    try {
      const bytes = await readBlocks(this.#port, this.#blockSize, first, count);
      for (let at = 0; at < count; at++) {
        if (this.#cache.has(first + at)) continue;
        this.#cache.add(first + at, bytes.subarray(at * this.#blockSize, (at + 1) * this.#blockSize));
      }
    } catch {
      // One of the neighbours may be what cannot be read.
      this.#cache.add(needed, await this.#readOne(needed));
    } finally {
      this.#reading.delete(first);
    }
  }
}
