import type { PooledBuffer } from '@interposer/core';
import type { Holdings } from './holdings.ts';

/** Room for the replies of one burst at a common queue depth: 32 reads of 4 KiB and their headers, and some. */
export const ARENA_BYTES: number = 256 * 1024;

/** What a connection begins with, so that a thousand of them which ask for little hold little; room for any reply. */
const FIRST_ARENA_BYTES = 64 * 1024;

/** A buffer in which replies are laid out one behind the other. Free again when the last of them is sent. */
export class Arena {
  readonly buffer: PooledBuffer;
  used = 0;
  /** Replies in it that are not sent. */
  users = 0;
  /** A plugin that lost one of its bios may still write into it: it is never used again. */
  poisoned = false;

  constructor(buffer: PooledBuffer) {
    this.buffer = buffer;
  }
}

/** Gives room for replies: out of the current arena, or a new one when that is full. */
export class ArenaSource {
  readonly #holdings: Holdings;
  #current: Arena | null = null;
  #size = FIRST_ARENA_BYTES;

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** An arena with room for so many bytes, at its `used`; the caller adds them. */
  withRoom(bytes: number): Arena {
    const current = this.#current;
    if (current !== null && current.used + bytes <= current.buffer.length) return current;
    // A burst that one did not hold is likely to be followed by more such.
    if (current !== null) this.#size = ARENA_BYTES;
    return (this.#current = new Arena(this.#holdings.take(this.#size)));
  }

  /** A reply in this arena is sent or dropped. */
  release(arena: Arena): void {
    if (--arena.users > 0) return;
    if (arena === this.#current) this.#current = null;
    if (arena.poisoned) this.#holdings.abandon(arena.buffer);
    else this.#holdings.give(arena.buffer);
  }
}
