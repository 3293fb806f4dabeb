import { fail, type Port } from '@interposer/core';
import { BlockHasher, readBlocks, type TreeLayout, type VerityParams } from '@interposer/format-verity';
import { BlockCache, type Cluster } from './block-cache.ts';
import type { Damage } from './damage.ts';
import type { Mending } from './mending.ts';
import type { Repair } from './repair.ts';

/** The level of the data: its digests are in level 0. */
const DATA = -1;

/**
 * The tree of hashes, of which verified blocks are kept. What is at hand is answered at once; only what must be read, or put
 * right, takes a promise.
 */
export class HashTree {
  /** What `find` found: the digest begins at `digestAt`. Valid until somebody asks for another, or waits. */
  digests: Uint8Array;
  digestAt = 0;
  /** Set once, after construction: parity covers the tree, and asks it for digests. */
  repair: Repair | null = null;
  readonly #port: Port;
  readonly #layout: TreeLayout;
  readonly #blockSize: number;
  readonly #hasher: BlockHasher;
  readonly #root: Uint8Array;
  readonly #damage: Damage;
  readonly #cache: BlockCache;
  /** Reads under way, by the first block of the cluster. */
  readonly #reading = new Map<number, Promise<Cluster>>();
  /** Blocks that somebody waits for, by number: read, verified, and put right once for all. */
  readonly #fetching = new Map<number, Promise<Uint8Array>>();
  /** The block of level 0 that was used last, for most data comes in order: its index, and its first byte. */
  #lastIndex = -1;
  #lastAt = 0;

  constructor(port: Port, params: VerityParams, layout: TreeLayout, root: Uint8Array, damage: Damage) {
    this.#port = port;
    this.#layout = layout;
    this.#blockSize = params.hashBlockSize;
    this.#hasher = new BlockHasher(params, params.hashBlockSize);
    this.#root = root;
    this.#damage = damage;
    this.#cache = new BlockCache(layout.end - layout.blocks, layout.end, params.hashBlockSize);
    this.digests = root;
    // A single block of data has the root for its digest.
    if (layout.levels.length === 0) this.#lastIndex = 0;
  }

  /** Finds the digest that a block of data must have; false where that is not known yet. */
  find(block: number): boolean {
    const { perBlock, slot } = this.#layout;
    const index = Math.floor(block / perBlock);
    if (index !== this.#lastIndex && !this.#turnTo(index)) return false;
    this.digestAt = this.#lastAt + (block - index * perBlock) * slot;
    return true;
  }

  /**
   * The same, whatever it takes; `within`: the repair that needs to know it. Rejects with EIO where the tree is damaged, or as
   * the device does that cannot be read.
   */
  async digestOf(block: number, within: Mending | null): Promise<Uint8Array> {
    return this.#wanted(DATA, block, within);
  }

  /** Begins to read what the digests of these blocks of data need, if it is not at hand. Whoever needs it asks again. */
  prefetch(firstBlock: number, lastBlock: number): void {
    const { perBlock, levels } = this.#layout;
    const last = Math.floor(lastBlock / perBlock);
    const index = Math.floor(firstBlock / perBlock);
    if (index === this.#lastIndex && index === last) return;
    const { start } = levels[0]!;
    for (
      let first = this.#cache.firstOf(start + index);
      first <= start + last;
      first = this.#cache.nextOf(first)
    )
      if (!this.#cache.has(first)) void this.#readOnce(first);
  }

  /** Resolves when nothing is read any more. */
  async idle(): Promise<void> {
    while (this.#reading.size > 0) await Promise.all(this.#reading.values());
  }

  #turnTo(index: number): boolean {
    if (!this.#isAtHand(0, index)) return false;
    const number = this.#layout.levels[0]!.start + index;
    const cluster = this.#cache.get(number)!;
    this.digests = cluster.bytes;
    this.#lastAt = cluster.at(number);
    this.#lastIndex = index;
    return true;
  }

  /** Whether a block of the tree is kept and right, as far as that can be seen from what is kept. */
  #isAtHand(level: number, index: number): boolean {
    const { levels, perBlock, slot } = this.#layout;
    const number = levels[level]!.start + index;
    const cluster = this.#cache.get(number);
    if (cluster?.has(number) !== true) return false;
    if (cluster.isVerified(number)) return true;
    let wanted = this.#root;
    let wantedAt = 0;
    if (level < levels.length - 1) {
      const above = Math.floor(index / perBlock);
      if (!this.#isAtHand(level + 1, above)) return false;
      const parent = this.#cache.get(levels[level + 1]!.start + above)!;
      wanted = parent.bytes;
      wantedAt = parent.at(levels[level + 1]!.start + above) + (index - above * perBlock) * slot;
    }
    if (!this.#hasher.matches(cluster.bytes, cluster.at(number), wanted, wantedAt)) return false;
    cluster.verified(number);
    return true;
  }

  /** The digest of a block of a level: a copy, for others may do what they like meanwhile. */
  async #wanted(level: number, index: number, within: Mending | null): Promise<Uint8Array> {
    const { levels, perBlock, slot, digestSize } = this.#layout;
    if (level === levels.length - 1) return this.#root;
    const above = Math.floor(index / perBlock);
    const parent = await this.#fetch(level + 1, above, within);
    const at = (index - above * perBlock) * slot;
    return new Uint8Array(parent.subarray(at, at + digestSize));
  }

  /** A block that is right, or that is used all the same. Blocks that a repair needs it looks for by itself. */
  #fetch(level: number, index: number, within: Mending | null): Promise<Uint8Array> {
    const number = this.#layout.levels[level]!.start + index;
    if (this.#isAtHand(level, index)) return Promise.resolve(this.#cache.get(number)!.block(number));
    if (within !== null) return this.#fetchAnew(level, index, within);
    let fetching = this.#fetching.get(number);
    if (fetching === undefined) {
      fetching = this.#fetchAnew(level, index, null).finally(() => this.#fetching.delete(number));
      this.#fetching.set(number, fetching);
    }
    return fetching;
  }

  async #fetchAnew(level: number, index: number, within: Mending | null): Promise<Uint8Array> {
    const number = this.#layout.levels[level]!.start + index;
    if (within?.isHopeless(number) === true)
      throw fail('EIO', `block ${String(number)} of the tree is being put right, or cannot be`);
    const wanted = await this.#wanted(level, index, within);
    const cluster = await this.#read(number, wanted, within);
    if (!cluster.isVerified(number) && !(await this.#makeRight(cluster, number, wanted, within))) {
      return this.#useWrong(cluster, number, within);
    }
    return cluster.block(number);
  }

  /** Whether a block has its digest, or parity put it right. A block is called verified only in the turn in which it was seen to be. */
  async #makeRight(
    cluster: Cluster,
    number: number,
    wanted: Uint8Array,
    within: Mending | null,
  ): Promise<boolean> {
    if (this.#hasher.matches(cluster.bytes, cluster.at(number), wanted, 0)) {
      cluster.verified(number);
      return true;
    }
    // Another repair, with more of the tree to go by, may have been luckier meanwhile.
    return (await this.#mend(cluster, number, wanted, within)) || cluster.isVerified(number);
  }

  #useWrong(cluster: Cluster, number: number, within: Mending | null): Uint8Array {
    const found = Uint8Array.from(cluster.block(number));
    cluster.forget(number);
    // A repair that only wanted to know of a neighbour does without.
    if (within === null && this.#damage.corrupted('metadata', number)) return found;
    throw fail('EIO', `block ${String(number)} of the tree is corrupted`);
  }

  /** With parity. The cluster has the block then, verified. */
  async #mend(
    cluster: Cluster,
    number: number,
    wanted: Uint8Array,
    within: Mending | null,
  ): Promise<boolean> {
    const mended = await this.repair?.hashBlock(number, wanted, within);
    if (mended === undefined || mended === null) return false;
    cluster.putRight(number, mended);
    return true;
  }

  /** A cluster that has the block, as it is on the device; where that cannot be read, as parity has it. */
  async #read(number: number, wanted: Uint8Array, within: Mending | null): Promise<Cluster> {
    const cluster = this.#cache.get(number) ?? (await this.#readOnce(this.#cache.firstOf(number)));
    if (cluster.has(number)) return cluster;
    try {
      // One of the neighbours may be what cannot be read.
      cluster.put(number, await readBlocks(this.#port, this.#blockSize, number, 1));
    } catch (error) {
      if (await this.#mend(cluster, number, wanted, within)) return cluster;
      if (within === null) this.#damage.unreadable();
      throw error;
    }
    return cluster;
  }

  /** A cluster that is not kept yet; one read for all who want it. Never rejects: what cannot be read the cluster has not. */
  #readOnce(first: number): Promise<Cluster> {
    let reading = this.#reading.get(first);
    if (reading === undefined) {
      reading = this.#readCluster(first);
      this.#reading.set(first, reading);
    }
    return reading;
  }

  async #readCluster(first: number): Promise<Cluster> {
    const cluster = this.#cache.make(first);
    try {
      cluster.putAll(await readBlocks(this.#port, this.#blockSize, first, cluster.count));
    } catch {
      // Each block by itself, when it is needed.
    }
    this.#cache.add(cluster);
    this.#reading.delete(first);
    return cluster;
  }
}
