import { describe, expect, it } from 'vitest';
import { BufferPool } from '../src/index.ts';

describe('BufferPool', () => {
  it.each([
    [1, 4096],
    [4096, 4096],
    [4097, 8192],
    [1 << 20, 1 << 20],
    [(1 << 20) + 1, 1 << 21],
  ])('answers %i bytes with a buffer of %i', (bytes, size) => {
    expect(new BufferPool().get(bytes)).toHaveLength(size);
  });

  it('gives out again what came back, and never one buffer twice', () => {
    const pool = new BufferPool();
    const first = pool.get(4096);
    expect(pool.get(4096) === first).toBe(false);
    pool.put(first);
    expect(pool.get(4096) === first).toBe(true);
  });

  it('gives parts of a slab that do not overlap', () => {
    const pool = new BufferPool();
    const buffers = Array.from({ length: 100 }, () => pool.get(4096));
    buffers.forEach((buffer, i) => buffer.fill(i));
    buffers.forEach((buffer, i) => {
      expect(buffer.every((byte) => byte === i)).toBe(true);
    });
  });

  it('keeps no more than it may', () => {
    const pool = new BufferPool(1 << 21);
    const kept = pool.get(1 << 21);
    const dropped = pool.get(1 << 21);
    pool.put(kept);
    pool.put(dropped);
    expect(pool.get(1 << 21) === kept).toBe(true);
    expect(pool.get(1 << 21) === dropped).toBe(false);
  });
});
