import type { BufferPool, PooledBuffer } from '@interposer/core';

/** Bytes of buffers that a connection holds: the measure of its back-pressure. */
export class Holdings {
  readonly pool: BufferPool;
  bytes = 0;

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  take(bytes: number): PooledBuffer {
    const buffer = this.pool.get(bytes);
    this.bytes += buffer.length;
    return buffer;
  }

  give(buffer: PooledBuffer): void {
    this.bytes -= buffer.length;
    this.pool.put(buffer);
  }

  /** Lets go of a buffer that somebody may still write into: it is never used again. */
  abandon(buffer: PooledBuffer): void {
    this.bytes -= buffer.length;
  }
}
