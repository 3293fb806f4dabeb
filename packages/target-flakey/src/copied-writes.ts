import { type Bio, BufferPool, type PooledBuffer, SECTOR_SIZE } from '@interposer/core';

/** What a write had in hand before, to be given back when it is done. */
interface Slot {
  buffer: Uint8Array;
  offset: number;
  copy: PooledBuffer;
}

const NOTHING = Buffer.alloc(0);

/**
 * The writes on their way with a copy of their data, which may be changed: the data itself is the submitter's. Slots and
 * buffers are used again.
 */
export class CopiedWrites {
  readonly #pool = new BufferPool();
  readonly #slots: Slot[] = [];
  /** Numbers of the slots that no write uses. */
  readonly #free: number[] = [];

  /** Puts a copy in the place of the data; the number is for `end`. */
  begin(bio: Bio): number {
    const number = this.#free.pop() ?? this.#slots.push({ buffer: NOTHING, offset: 0, copy: NOTHING }) - 1;
    const slot = this.#slots[number]!;
    const bytes = bio.count * SECTOR_SIZE;
    const { buffer, bufferOffset } = bio;
    slot.buffer = buffer;
    slot.offset = bufferOffset;
    slot.copy = this.#pool.get(bytes);
    slot.copy.set(buffer.subarray(bufferOffset, bufferOffset + bytes));
    bio.buffer = slot.copy;
    bio.bufferOffset = 0;
    return number;
  }

  /** Gives a write its own data back. */
  end(bio: Bio, number: number): void {
    const slot = this.#slots[number]!;
    bio.buffer = slot.buffer;
    bio.bufferOffset = slot.offset;
    this.#pool.put(slot.copy);
    slot.buffer = NOTHING;
    this.#free.push(number);
  }
}
