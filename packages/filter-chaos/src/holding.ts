import { type Bio, type Clock, fail, plug, type Status, unplug } from '@interposer/core';
import { Delays } from './delays.ts';
import { DELAYED, type Held } from './held.ts';

/** Somebody who waits for bios to be held. */
interface Waiter {
  readonly tag: string;
  readonly count: number;
  readonly resolve: (held: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The bios that are held back: delayed ones until they are due, stopped ones until somebody resumes their tag. While the gate
 * of the device is closed nothing is held, so that no edit waits.
 */
export class Holding {
  readonly #clock: Clock;
  readonly #onward: (bio: Bio) => void;
  readonly #delays: Delays;
  /** By tag, in the order they came. */
  readonly #stopped = new Map<string, Held[]>();
  #waiters: Waiter[] = [];
  #order = 0;
  #mayHold = true;
  #isClosed = false;

  /** `onward` gets each bio that goes on. */
  constructor(clock: Clock, onward: (bio: Bio) => void) {
    this.#clock = clock;
    this.#onward = onward;
    this.#delays = new Delays(clock, onward);
  }

  /** How many are held. */
  get count(): number {
    let count = this.#delays.count;
    for (const held of this.#stopped.values()) count += held.length;
    return count;
  }

  /** How many are held at a tag. */
  countAt(tag: string): number {
    return tag === DELAYED ? this.#delays.count : (this.#stopped.get(tag)?.length ?? 0);
  }

  /** Owns the bio until its tag is resumed. False: nothing is held now. */
  stop(bio: Bio, tag: string): boolean {
    if (!this.#mayHold) return false;
    const held = this.#held(bio, tag, Infinity);
    const others = this.#stopped.get(tag);
    if (others === undefined) this.#stopped.set(tag, [held]);
    else others.push(held);
    if (this.#waiters.length > 0) this.#tellWaiters(tag);
    return true;
  }

  /** Owns the bio for so many milliseconds. False: nothing is held now. */
  delay(bio: Bio, milliseconds: number): boolean {
    if (!this.#mayHold || milliseconds <= 0) return false;
    this.#delays.push(this.#held(bio, DELAYED, this.#clock.now() + milliseconds));
    if (this.#waiters.length > 0) this.#tellWaiters(DELAYED);
    return true;
  }

  /** Sends bios of a tag on, oldest first: all or so many of them. Undefined: those of every tag. Answers how many. */
  resume(tag: string | undefined, most: number = Infinity): number {
    const going = this.#take(tag).sort((a, b) => a.order - b.order);
    for (const held of going.slice(most)) this.#putBack(held);
    const now = going.slice(0, most);
    this.#sendOn(now);
    return now.length;
  }

  /** All go on, and until `resumeHolding` nothing is held. */
  letGo(): void {
    this.#mayHold = false;
    this.resume(undefined);
  }

  resumeHolding(): void {
    this.#mayHold = true;
  }

  /** Ends all bios of a tag with a status, oldest first. Undefined: those of every tag. Answers how many. */
  fail(tag: string | undefined, status: Status): number {
    const failing = this.#take(tag).sort((a, b) => a.order - b.order);
    for (const { bio } of failing) bio.complete(status);
    return failing.length;
  }

  /** Resolves with the number of bios held at a tag when there are so many. Rejects with ESHUTDOWN if the filter goes first. */
  wait(tag: string, count: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiter = { tag, count, resolve, reject };
      if (this.#isClosed) {
        reject(detached(waiter));
        return;
      }
      this.#waiters.push(waiter);
      this.#tellWaiters(tag);
    });
  }

  /** All that are held, oldest first. */
  list(): readonly Held[] {
    const stopped = [...this.#stopped.values()].flat();
    return [...stopped, ...this.#delays.all].sort((a, b) => a.order - b.order);
  }

  /** For good: bios that are still here have been failed by core, and are not sent on. */
  close(): void {
    this.#isClosed = true;
    this.#take(undefined);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(detached(waiter));
  }

  #held(bio: Bio, tag: string, due: number): Held {
    return { bio, tag, since: this.#clock.now(), due, order: this.#order++ };
  }

  #take(tag: string | undefined): Held[] {
    const taken = tag === undefined ? [...this.#stopped.values()].flat() : (this.#stopped.get(tag) ?? []);
    if (tag === undefined) this.#stopped.clear();
    else this.#stopped.delete(tag);
    return tag === undefined || tag === DELAYED ? [...taken, ...this.#delays.takeAll()] : taken;
  }

  #putBack(held: Held): void {
    if (held.tag === DELAYED) this.#delays.push(held);
    else this.#stopped.set(held.tag, [...(this.#stopped.get(held.tag) ?? []), held]);
  }

  #sendOn(going: readonly Held[]): void {
    plug();
    for (const { bio } of going) this.#onward(bio);
    unplug();
  }

  #tellWaiters(tag: string): void {
    const there = this.countAt(tag);
    const isServed = (waiter: Waiter): boolean => waiter.tag === tag && waiter.count <= there;
    const served = this.#waiters.filter(isServed);
    this.#waiters = this.#waiters.filter((waiter) => !isServed(waiter));
    for (const { resolve } of served) resolve(there);
  }
}

function detached({ tag, count }: Waiter): Error {
  return fail('ESHUTDOWN', `filter chaos: detached before ${count} requests were held at ${tag}`);
}
