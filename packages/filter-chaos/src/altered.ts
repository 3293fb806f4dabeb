import {
  type Bio,
  BufferPool,
  EndResult,
  type Frame,
  type PooledBuffer,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';

/** Whoever has something to do with a bio that came back well. */
export interface Finisher {
  /** The bio has the shape again that it came with. `draw` is the number that was left for it on the way down. */
  finish(bio: Bio, draw: number): void;
}

/** What a bio was like before it was altered. */
interface Slot {
  count: number;
  buffer: Uint8Array;
  offset: number;
  /** The copy that stands in for its data. */
  copy: PooledBuffer | null;
  finisher: Finisher | null;
  draw: number;
}

const NOTHING = new Uint8Array(0);

/**
 * Bios on their way with another length or other data than they came with. They come back as they came: data is the
 * submitter's, and lengths are what those above know them by. Slots and buffers are used again. A frame of its own and not
 * the filter's `post`, so that a bio gets its own back also where the filter was fenced meanwhile.
 */
export class AlteredBios implements Frame {
  readonly #pool = new BufferPool();
  readonly #slots: Slot[] = [];
  /** Numbers of the slots that no bio uses. */
  readonly #free: number[] = [];

  /** Remembers what the bio is like. To be called before it is altered. */
  watch(bio: Bio, finisher: Finisher | null = null, draw = 0): void {
    this.#begin(bio, finisher, draw);
  }

  /** Puts a copy, which may be changed, in the place of the data of a write. */
  copyData(bio: Bio): void {
    const slot = this.#begin(bio, null, 0);
    const bytes = bio.count * SECTOR_SIZE;
    slot.copy = this.#pool.get(bytes);
    slot.copy.set(bio.buffer.subarray(bio.bufferOffset, bio.bufferOffset + bytes));
    bio.buffer = slot.copy;
    bio.bufferOffset = 0;
  }

  endIo(bio: Bio, cookie: number): EndResult {
    const slot = this.#slots[cookie]!;
    const { finisher, draw, copy } = slot;
    bio.count = slot.count;
    bio.buffer = slot.buffer;
    bio.bufferOffset = slot.offset;
    if (copy !== null) this.#pool.put(copy);
    slot.buffer = NOTHING;
    slot.copy = null;
    slot.finisher = null;
    this.#free.push(cookie);
    if (finisher !== null && bio.status === Status.Ok) finisher.finish(bio, draw);
    return EndResult.Done;
  }

  #begin(bio: Bio, finisher: Finisher | null, draw: number): Slot {
    const number = this.#free.pop() ?? this.#slots.push(emptySlot()) - 1;
    const slot = this.#slots[number]!;
    slot.count = bio.count;
    slot.buffer = bio.buffer;
    slot.offset = bio.bufferOffset;
    slot.finisher = finisher;
    slot.draw = draw;
    bio.watch(this, number);
    return slot;
  }
}

function emptySlot(): Slot {
  return { count: 0, buffer: NOTHING, offset: 0, copy: null, finisher: null, draw: 0 };
}
