import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { BlockCache, Cluster } from '../src/block-cache.ts';
import { Mending } from '../src/mending.ts';
import { VerifiedBlocks } from '../src/verified-blocks.ts';

/** As many clusters as are kept: 16 MiB of them. */
const MOST = 256;

function cacheOf(clusters: number): BlockCache {
  return new BlockCache(3, 3 + clusters * 16, 4096);
}

function keep(cache: BlockCache, index: number): Cluster {
  const cluster = cache.make(3 + index * 16);
  cache.add(cluster);
  return cluster;
}

describe('BlockCache', () => {
  it('has a bound, and keeps what is asked for', () => {
    const cache = cacheOf(1000);
    for (let index = 0; index < 1000; index++) {
      keep(cache, index);
      cache.get(3);
    }
    const kept = Array.from({ length: 1000 }, (_, index) => index).filter((index) =>
      cache.has(3 + index * 16),
    );
    expect(kept).toHaveLength(MOST);
    expect(kept[0]).toBe(0);
    expect(cache.get(3 + 500 * 16)).toBeNull();
  });

  it('drops one though all were asked for', () => {
    const cache = cacheOf(MOST + 1);
    for (let index = 0; index < MOST; index++) keep(cache, index).isUsed = true;
    keep(cache, MOST);
    expect(cache.has(3)).toBe(false);
    expect(cache.has(3 + MOST * 16)).toBe(true);
  });

  it('has no bytes in memory but those of the clusters that are kept, whatever the size of a block', () => {
    for (const blockSize of [512, 4096, 65536, 524288]) {
      const cache = new BlockCache(0, 2 ** 20, blockSize);
      const clusters: Cluster[] = [];
      for (let first = 0; first < 2 ** 17; first = cache.nextOf(first)) {
        const cluster = cache.make(first);
        cluster.put(first, new Uint8Array(1));
        cache.add(cluster);
        if (clusters.push(cluster) > 300) break;
      }
      const kept = clusters.filter(({ first }) => cache.has(first));
      const bytes = kept.reduce((sum, cluster) => sum + cluster.bytes.buffer.byteLength, 0);
      expect(bytes).toBeLessThanOrEqual(16 * 2 ** 20);
    }
  });

  it('cuts its last cluster at the end of the tree', () => {
    const cache = new BlockCache(3, 40, 4096);
    expect([3, 18, 19, 39].map((number) => cache.firstOf(number))).toEqual([3, 3, 19, 35]);
    expect(cache.make(35).count).toBe(5);
  });
});

describe('Cluster', () => {
  it('tells what it has, and takes nothing in place of that', () => {
    const cluster = new Cluster(7, 3, 4);
    expect([7, 8, 9].map((number) => cluster.has(number))).toEqual([false, false, false]);
    cluster.put(8, Uint8Array.of(1, 2, 3, 4));
    cluster.verified(8);
    cluster.put(8, Uint8Array.of(5, 6, 7, 8));
    expect([...cluster.block(8)]).toEqual([1, 2, 3, 4]);
    expect([7, 8, 9].map((number) => cluster.isVerified(number))).toEqual([false, true, false]);
    cluster.forget(8);
    expect(cluster.isVerified(8)).toBe(true);
    cluster.put(9, Uint8Array.of(5, 6, 7, 8));
    cluster.forget(9);
    expect(cluster.has(9)).toBe(false);
    cluster.putRight(9, Uint8Array.of(9, 9, 9, 9));
    expect([cluster.isVerified(9), ...cluster.block(9)]).toEqual([true, 9, 9, 9, 9]);
    cluster.putAll(Buffer.from('abcdefghijkl'));
    expect([cluster.has(9), cluster.isVerified(9), cluster.at(9)]).toEqual([true, false, 8]);
  });
});

describe('Mending', () => {
  it('goes neither in circles nor on for ever', () => {
    let mending: Mending | null = new Mending();
    for (let number = 1; number <= 4; number++) {
      expect(mending!.isHopeless(number)).toBe(false);
      mending = mending!.inside(number);
      expect(mending!.isHopeless(number)).toBe(true);
    }
    expect(mending!.isHopeless(1)).toBe(true);
    expect(mending!.inside(5)).toBeNull();
  });

  it('tries what failed again once something else is right', () => {
    const outer = new Mending();
    const inner = outer.inside(1)!;
    inner.ended(7, false);
    expect([outer, inner].map((one) => one.isHopeless(7))).toEqual([true, true]);
    inner.ended(8, true);
    expect(outer.isHopeless(7)).toBe(false);
    expect(new Mending().isHopeless(7)).toBe(false);
  });
});

it('VerifiedBlocks agrees with a set', () => {
  const blocks = new VerifiedBlocks(100);
  const known = new Set<number>();
  const random = new Random(3);
  for (let step = 0; step < 2000; step++) {
    const first = random.below(100);
    const count = 1 + random.below(Math.min(40, 100 - first));
    const all = Array.from({ length: count }, (_, at) => first + at).every((block) => known.has(block));
    expect(blocks.hasAll(first, count)).toBe(all);
    const block = random.below(100);
    expect(blocks.has(block)).toBe(known.has(block));
    blocks.add(block);
    known.add(block);
    if (known.size === 100) return;
  }
});
