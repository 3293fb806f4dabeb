import { CipherPool, type CipherPoolOptions } from '@interposer/block-cipher';
import { BufferPool } from '@interposer/core';

/** What ciphering takes. */
export interface CryptTools {
  /** Threads. */
  readonly ciphers: CipherPool;
  /** For what is written. Only ciphertext is ever in them, so they need no wiping. */
  readonly buffers: BufferPool;
}

/** The tools that the targets of one type share, as long as there are any. */
export class SharedPool {
  readonly #options: CipherPoolOptions;
  #tools: CryptTools | null = null;
  #users = 0;

  constructor(options: CipherPoolOptions) {
    this.#options = options;
  }

  /** For one more target. */
  acquire(): CryptTools {
    this.#users++;
    this.#tools ??= { ciphers: new CipherPool(this.#options), buffers: new BufferPool() };
    return this.#tools;
  }

  /** A target needs them no more; with the last one the threads end, and the buffers go. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    const tools = this.#tools;
    this.#tools = null;
    await tools?.ciphers.close();
  }
}
