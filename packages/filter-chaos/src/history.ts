import { SECTOR_SIZE } from '@interposer/core';

/** Memory comes in pieces of this size. */
const CHUNK_SECTORS = 512;

/** What sectors contained before they were last overwritten. Those that came first go first when there is no more room. */
export class History {
  readonly #capacity: number;
  /** The piece of memory of each slot, or none yet. */
  readonly #chunks: Buffer[] = [];
  /** The slot of each sector that has one. */
  readonly #slots = new Map<number, number>();
  /** The sector of each slot. */
  readonly #sectors: number[] = [];
  #next = 0;

  /** Takes at most so many bytes of contents. */
  constructor(bytes: number) {
    this.#capacity = Math.floor(bytes / SECTOR_SIZE);
  }

  /** How many sectors it can tell of. */
  get capacity(): number {
    return this.#capacity;
  }

  /** These are the former contents of sectors now. */
  keep(sector: number, count: number, contents: Uint8Array): void {
    for (let i = 0; i < count; i++) this.#keepOne(sector + i, contents, i * SECTOR_SIZE);
  }

  /** Nobody knows the former contents of sectors any more. */
  forget(sector: number, count: number): void {
    if (count > this.#slots.size) {
      for (const known of [...this.#slots.keys()])
        if (known >= sector && known < sector + count) this.#slots.delete(known);
    } else for (let i = 0; i < count; i++) this.#slots.delete(sector + i);
  }

  /** Puts the former contents in the place of those of sectors of which they are known. */
  overlay(sector: number, count: number, buffer: Uint8Array, offset: number): void {
    for (let i = 0; i < count; i++) {
      const slot = this.#slots.get(sector + i);
      if (slot === undefined) continue;
      const start = (slot % CHUNK_SECTORS) * SECTOR_SIZE;
      const chunk = this.#chunks[Math.floor(slot / CHUNK_SECTORS)]!;
      buffer.set(chunk.subarray(start, start + SECTOR_SIZE), offset + i * SECTOR_SIZE);
    }
  }

  #keepOne(sector: number, contents: Uint8Array, at: number): void {
    const slot = this.#slots.get(sector) ?? this.#takeOldest(sector);
    const chunk = (this.#chunks[Math.floor(slot / CHUNK_SECTORS)] ??= this.#newChunk(slot));
    chunk.set(contents.subarray(at, at + SECTOR_SIZE), (slot % CHUNK_SECTORS) * SECTOR_SIZE);
  }

  /** The slots go round; one that was forgotten waits for its turn. */
  #takeOldest(sector: number): number {
    const slot = this.#next;
    this.#next = (slot + 1) % this.#capacity;
    const former = this.#sectors[slot];
    if (former !== undefined && this.#slots.get(former) === slot) this.#slots.delete(former);
    this.#sectors[slot] = sector;
    this.#slots.set(sector, slot);
    return slot;
  }

  #newChunk(slot: number): Buffer {
    return Buffer.allocUnsafeSlow(Math.min(CHUNK_SECTORS, this.#capacity - slot) * SECTOR_SIZE);
  }
}
