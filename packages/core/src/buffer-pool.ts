/** A part of a slab, given out and taken back: a view is made once, when its slab is. */
export type PooledBuffer = Buffer;

const SMALLEST = 4096;
const SLAB = 1 << 20;
const HIGHEST_BIT = 2 ** 31;

/**
 * Buffers in classes of powers of two. A fresh buffer of a megabyte costs page faults at each request; these are warm. They
 * are not cleared: who shows their contents to anybody has written them first, or failed.
 */
export class BufferPool {
  readonly #free: PooledBuffer[][] = [];
  readonly #maxFreeBytes: number;
  #freeBytes = 0;

  /** Keeps at most so many bytes for later use; the rest is left to the garbage collector. */
  constructor(maxFreeBytes: number = 64 * 2 ** 20) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer of at least so many bytes. */
  get(bytes: number): PooledBuffer {
    const size = bytes <= SMALLEST ? SMALLEST : 2 * (HIGHEST_BIT >>> Math.clz32(bytes - 1));
    const free = this.#listOf(size);
    if (free.length === 0) this.#refill(free, size);
    this.#freeBytes -= size;
    return free.pop()!;
  }

  /** Takes back what `get` gave, once nobody reads or writes it any more. */
  put(buffer: PooledBuffer): void {
    if (this.#freeBytes + buffer.length > this.#maxFreeBytes) return;
    this.#freeBytes += buffer.length;
    this.#listOf(buffer.length).push(buffer);
  }

  /** Small classes share a slab, so that thousands of small requests do not make thousands of allocations. */
  #refill(free: PooledBuffer[], size: number): void {
    const count = Math.max(1, Math.min(64, SLAB / size));
    const slab = Buffer.allocUnsafeSlow(count * size);
    for (let i = 0; i < count; i++) free.push(slab.subarray(i * size, (i + 1) * size));
    this.#freeBytes += count * size;
  }

  #listOf(size: number): PooledBuffer[] {
    return (this.#free[Math.clz32(size)] ??= []);
  }
}
