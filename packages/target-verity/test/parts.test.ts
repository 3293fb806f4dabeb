import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../src/block-cache.ts';
import { VerifiedBlocks } from '../src/verified-blocks.ts';

describe('BlockCache', () => {
  it('has a bound, and keeps what is asked for', () => {
    const cache = new BlockCache(2 ** 20);
    for (let number = 0; number < 100; number++) {
      cache.add(number, Buffer.alloc(1));
      cache.get(0);
    }
    const kept = Array.from({ length: 100 }, (_, number) => number).filter((number) => cache.has(number));
    expect(kept).toHaveLength(16);
    expect(kept[0]).toBe(0);
    expect(cache.get(50)).toBeNull();
    cache.forget(0);
    expect(cache.has(0)).toBe(false);
  });

  it('drops one though all were asked for', () => {
    const cache = new BlockCache(2 ** 20);
    for (let number = 0; number < 16; number++) cache.add(number, Buffer.alloc(1)).isUsed = true;
    cache.add(16, Buffer.alloc(1));
    expect(cache.has(0)).toBe(false);
    expect(cache.has(16)).toBe(true);
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
