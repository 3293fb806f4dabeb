import { type Bio, type BufferPool, type PooledBuffer, SECTOR_SIZE } from '@interposer/core';
import { xorBytes } from './xor-bytes.ts';

/** What a write had in hand before, to be given back when it is done. */
interface Slot {
  buffer: Uint8Array;
  offset: number;
  veiled: PooledBuffer;
}

const NOTHING = Buffer.alloc(0);

/** The writes on their way, with their data veiled. Slots and buffers are used again, so nothing is allocated per bio. */
export class VeiledWrites {
  readonly #pool: BufferPool;
  readonly #slots: Slot[] = [];
  /** Numbers of the slots that no write uses. */
  readonly #free: number[] = [];

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Puts veiled data in the place of a write's own; the number is for `end`. */
  begin(bio: Bio, key: number): number {
    const number = this.#free.pop() ?? this.#slots.push({ buffer: NOTHING, offset: 0, veiled: NOTHING }) - 1;
    const slot = this.#slots[number]!;
    const bytes = bio.count * SECTOR_SIZE;
    slot.veiled = this.#pool.get(bytes);
    slot.buffer = bio.buffer;
    slot.offset = bio.bufferOffset;
    xorBytes(bio.buffer, bio.bufferOffset, slot.veiled, 0, bytes, key);
    bio.buffer = slot.veiled;
    bio.bufferOffset = 0;
    return number;
  }

  /** Gives a write its own data back: its submitter gets the bio as it was. */
  end(bio: Bio, number: number): void {
    const slot = this.#slots[number]!;
    bio.buffer = slot.buffer;
    bio.bufferOffset = slot.offset;
    this.#pool.put(slot.veiled);
    slot.buffer = NOTHING;
    this.#free.push(number);
  }
}
