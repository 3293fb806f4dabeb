import { type Bio, BioOp, SECTOR_SIZE } from '@interposer/core';
import type { Bucket, Moment } from './bucket.ts';

/** A bio that is held. */
export interface Held {
  readonly bio: Bio;
  /** When it came, in milliseconds of the engine's clock. */
  readonly since: number;
  /** Counts the held bios of both lanes. */
  readonly order: number;
  next: Held | null;
}

/** One direction: the limits that its bios are under, and the bios that are held, in the order they came. */
export class Lane {
  /** How many are held. */
  count = 0;
  #requests: readonly Bucket[] = [];
  #bytes: readonly Bucket[] = [];
  #head: Held | null = null;
  #tail: Held | null = null;

  /** The limits of requests and of bytes from now on. */
  follow(requests: readonly Bucket[], bytes: readonly Bucket[]): void {
    this.#requests = requests;
    this.#bytes = bytes;
  }

  get isLimited(): boolean {
    return this.#requests.length + this.#bytes.length > 0;
  }

  /** Whether the next bio may go, as far as the limits are concerned. */
  isDue(now: Moment): boolean {
    for (const bucket of this.#requests) if (!bucket.isDue(now)) return false;
    for (const bucket of this.#bytes) if (!bucket.isDue(now)) return false;
    return true;
  }

  /** Since when, or from when on, the next bio may go. */
  get dueAt(): number {
    let due = -Infinity;
    for (const bucket of this.#requests) due = Math.max(due, bucket.dueAt);
    for (const bucket of this.#bytes) due = Math.max(due, bucket.dueAt);
    return due;
  }

  /** A bio goes. Discards and write-zeroes carry no data, so they count as requests only. */
  take({ op, count }: Bio, now: Moment): void {
    const bytes = op <= BioOp.Write ? count * SECTOR_SIZE : 0;
    for (const bucket of this.#requests) bucket.take(1, now);
    for (const bucket of this.#bytes) bucket.take(bytes, now);
  }

  get head(): Held | null {
    return this.#head;
  }

  push(bio: Bio, since: Moment, order: number): void {
    const held: Held = { bio, since: since[0]!, order, next: null };
    if (this.#tail === null) this.#head = held;
    else this.#tail.next = held;
    this.#tail = held;
    this.count++;
  }

  /** Takes the head out. */
  shift(): void {
    this.#head = this.#head!.next;
    if (this.#head === null) this.#tail = null;
    this.count--;
  }

  /** Forgets the held bios: others have failed them. */
  clear(): void {
    this.#head = null;
    this.#tail = null;
    this.count = 0;
  }
}
