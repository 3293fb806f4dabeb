import type { Port } from '@interposer/core';

/** The kinds of failure that a leg's letter in the status tells, as bits. */
export const LegError = { Write: 1, Flush: 2, Sync: 4, Read: 8 } as const;
export type LegError = (typeof LegError)[keyof typeof LegError];

/** The most severe failure first. Kernel: device_status_char. */
const LETTERS: readonly (readonly [kind: LegError, letter: string])[] = [
  [LegError.Flush, 'F'],
  [LegError.Write, 'D'],
  [LegError.Sync, 'S'],
  [LegError.Read, 'R'],
];

/** A device that holds a copy, and its first sector that is used. */
export interface Leg {
  readonly port: Port;
  readonly offset: number;
}

/** What the legs tell of. */
export interface LegWatcher {
  /** Whether all legs hold the same: only then may another leg become the default one. */
  readonly isSame: boolean;
  /** Legs failed in a way they had not failed before; what there is to say of it, in the kernel's words. */
  legsFailed(messages: readonly string[]): void;
}

/**
 * The legs, what failed on them, and which is the default one. The default leg holds everything that was acknowledged, in
 * every region: reads of regions that are not in sync go there, and copies come from there. Kernel: fail_mirror.
 */
export class Legs {
  readonly all: readonly Leg[];
  /** Index of the default leg. */
  first = 0;
  /** Reads under way, by leg. */
  readonly reads: Int32Array;
  readonly #kinds: Uint8Array;
  readonly #watcher: LegWatcher;
  /** A flush failed: nobody knows what a leg lost, so no copy of some regions makes it right. */
  #lostCache = false;

  constructor(all: readonly Leg[], watcher: LegWatcher) {
    this.all = all;
    this.reads = new Int32Array(all.length);
    this.#kinds = new Uint8Array(all.length);
    this.#watcher = watcher;
  }

  /** Whether nothing has failed on a leg. */
  isAlive(index: number): boolean {
    return this.#kinds[index] === 0;
  }

  get anyAlive(): boolean {
    return this.#kinds.includes(0);
  }

  get anyFailed(): boolean {
    return this.#kinds.some((kinds) => kinds !== 0);
  }

  /** Notes a failure of one leg. */
  fail(index: number, kind: LegError): void {
    this.failAll(1 << index, kind);
  }

  /**
   * Notes a failure of the legs whose bits are set. The first of a kind on the default leg makes another leg the default
   * one, if that is safe. However many legs failed, that is told once.
   */
  failAll(indexes: number, kind: LegError): void {
    const messages: string[] = [];
    let isNew = false;
    for (let index = 0; index < this.all.length; index++) {
      const known = this.#kinds[index]!;
      if ((indexes & (1 << index)) === 0 || (known & kind) !== 0) continue;
      this.#kinds[index] = known | kind;
      isNew = true;
      if (kind === LegError.Read)
        messages.push(`Mirror read failed from ${this.#nameOf(index)}. Trying alternative device.`);
      if (index === this.first) this.#replaceFirst(messages);
    }
    if (isNew) this.#watcher.legsFailed(messages);
  }

  /** What was said to be written may be lost on legs: `revive` has no effect from here on. */
  loseCache(): void {
    this.#lostCache = true;
  }

  /**
   * All regions were copied: what failed on legs counts no longer. Kernel: reset_ms_flags. The first leg is the default one
   * again, so that it is always the first one with an A, which whoever loads another table must be able to tell.
   */
  revive(): void {
    if (this.#lostCache) return;
    this.#kinds.fill(0);
    this.first = 0;
  }

  /** A leg is A, or says what was the worst that failed on it: F flush, D write, S copy, R read. */
  letters(): string {
    return [...this.#kinds]
      .map((kinds) => LETTERS.find(([kind]) => (kinds & kind) !== 0)?.[1] ?? 'A')
      .join('');
  }

  #replaceFirst(messages: string[]): void {
    const name = this.#nameOf(this.first);
    const next = this.#kinds.indexOf(0);
    if (!this.#watcher.isSame)
      messages.push(`Primary mirror (${name}) failed while out-of-sync: Reads may fail.`);
    else if (next < 0) messages.push('All sides of mirror have failed.');
    else this.first = next;
  }

  #nameOf(index: number): string {
    return this.all[index]!.port.device.number;
  }
}
