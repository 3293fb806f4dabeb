/** What is known of a block of the tree. */
const BlockState = { Absent: 0, Read: 1, Verified: 2 } as const;

const NO_BYTES = Buffer.alloc(0);

/** Blocks of the tree that follow one another, as many as are read together. */
export class Cluster {
  /** Number of its first block. */
  readonly first: number;
  /** Somebody asked for it since its turn to go came last. */
  isUsed = false;
  readonly #blockSize: number;
  readonly #states: Uint8Array;
  #bytes: Buffer = NO_BYTES;

  constructor(first: number, count: number, blockSize: number) {
    this.first = first;
    this.#blockSize = blockSize;
    this.#states = new Uint8Array(count);
  }

  /** What the blocks are in. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get count(): number {
    return this.#states.length;
  }

  /** The first byte of a block. */
  at(number: number): number {
    return (number - this.first) * this.#blockSize;
  }

  has(number: number): boolean {
    return this.#states[number - this.first] !== BlockState.Absent;
  }

  isVerified(number: number): boolean {
    return this.#states[number - this.first] === BlockState.Verified;
  }

  /** Its digest is right. */
  verified(number: number): void {
    this.#states[number - this.first] = BlockState.Verified;
  }

  /** A block that is not right may be read again, and be better then. */
  forget(number: number): void {
    if (!this.isVerified(number)) this.#states[number - this.first] = BlockState.Absent;
  }

  block(number: number): Buffer {
    return this.#bytes.subarray(this.at(number), this.at(number) + this.#blockSize);
  }

  /** A block as it was read, unless it is here. */
  put(number: number, bytes: Uint8Array): void {
    if (this.has(number)) return;
    this.#set(number, bytes);
    this.#states[number - this.first] = BlockState.Read;
  }

  /** A block that was put right, and is so from this moment on, whoever reads it meanwhile. */
  putRight(number: number, bytes: Uint8Array): void {
    this.#set(number, bytes);
    this.#states[number - this.first] = BlockState.Verified;
  }

  #set(number: number, bytes: Uint8Array): void {
    if (this.#bytes === NO_BYTES) this.#bytes = Buffer.alloc(this.count * this.#blockSize);
    this.#bytes.set(bytes, this.at(number));
  }

  /** All blocks as they were read; the bytes are the cluster's from then on. */
  putAll(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#states.fill(BlockState.Read);
  }
}

/** Bytes of the tree that are kept: with 4096-byte blocks and sha256 the lowest level of 2 GiB of data. */
const MOST_BYTES = 16 * 2 ** 20;

/** Bytes of a cluster, unless a block has more. */
const CLUSTER = 64 * 1024;

/** Clusters of the tree, as many as fit; those that nobody asked for go first. */
export class BlockCache {
  readonly #clusters = new Map<number, Cluster>();
  readonly #start: number;
  readonly #end: number;
  readonly #blockSize: number;
  readonly #perCluster: number;
  readonly #most: number;

  /** For the blocks from `start` to the one before `end`. */
  constructor(start: number, end: number, blockSize: number) {
    this.#start = start;
    this.#end = end;
    this.#blockSize = blockSize;
    this.#perCluster = Math.max(1, CLUSTER / blockSize);
    this.#most = MOST_BYTES / (this.#perCluster * blockSize);
  }

  /** The first block of the cluster that a block is in. */
  firstOf(number: number): number {
    return number - ((number - this.#start) % this.#perCluster);
  }

  /** The first block of the next cluster. */
  nextOf(first: number): number {
    return first + this.#perCluster;
  }

  /** The cluster that a block is, or may be, in. */
  get(number: number): Cluster | null {
    const cluster = this.#clusters.get(this.firstOf(number));
    if (cluster === undefined) return null;
    cluster.isUsed = true;
    return cluster;
  }

  /** The same, as far as it is kept or not: nobody asked for it. */
  has(number: number): boolean {
    return this.#clusters.has(this.firstOf(number));
  }

  /** A cluster without blocks, from its first block; it is not kept yet. */
  make(first: number): Cluster {
    return new Cluster(first, Math.min(this.#perCluster, this.#end - first), this.#blockSize);
  }

  /** Keeps a cluster; it is not the next to go. */
  add(cluster: Cluster): void {
    this.#clusters.set(cluster.first, cluster);
    while (this.#clusters.size > this.#most) this.#dropOne(cluster);
  }

  /** The oldest that was not used since its last turn; the used ones in front get another turn, and so does the newest. */
  #dropOne(newest: Cluster): void {
    for (const [first, cluster] of this.#clusters) {
      if (cluster === newest) continue;
      this.#clusters.delete(first);
      if (!cluster.isUsed) return;
      cluster.isUsed = false;
      this.#clusters.set(first, cluster);
    }
  }
}
