import type { Clock, Timer } from '@interposer/core';

/** Milliseconds that a region is left marked after its last write, at least; twice that at most. */
const PERIOD = 2500;

const FIRST_CAPACITY = 64;

/**
 * Regions without writes under way that are still marked. One that stays so for a whole period is offered to be made clean,
 * so that a region that is written again and again is marked once.
 */
export class CleanQueue {
  readonly #clock: Clock;
  readonly #offer: () => void;
  #waiting: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #length = 0;
  /** A bit for each region: it waits. */
  readonly #isWaiting: Uint8Array;
  /** A bit for each region: it was written since the last look at it. */
  readonly #isRecent: Uint8Array;
  #timer: Timer | null = null;

  constructor(clock: Clock, regions: number, offer: () => void) {
    this.#clock = clock;
    this.#offer = offer;
    this.#isWaiting = new Uint8Array(Math.ceil(regions / 8));
    this.#isRecent = new Uint8Array(Math.ceil(regions / 8));
  }

  /** The last write of a region has ended. */
  add(region: number): void {
    const [at, bit] = [region >>> 3, 1 << (region & 7)];
    this.#isRecent[at]! |= bit;
    this.#start();
    if ((this.#isWaiting[at]! & bit) !== 0) return;
    this.#isWaiting[at]! |= bit;
    if (this.#length === this.#waiting.length) this.#grow();
    this.#waiting[this.#length++] = region;
  }

  /** Whether a region came, or came again, since it was taken. */
  has(region: number): boolean {
    return (this.#isWaiting[region >>> 3]! & (1 << (region & 7))) !== 0;
  }

  /** Takes out the regions that have waited for a period, or all. */
  take(all: boolean): number[] {
    const taken: number[] = [];
    let kept = 0;
    for (let index = 0; index < this.#length; index++) {
      const region = this.#waiting[index]!;
      const [at, bit] = [region >>> 3, 1 << (region & 7)];
      const isRecent = (this.#isRecent[at]! & bit) !== 0;
      this.#isRecent[at]! &= ~bit;
      if (isRecent && !all) {
        this.#waiting[kept++] = region;
      } else {
        this.#isWaiting[at]! &= ~bit;
        taken.push(region);
      }
    }
    this.#length = kept;
    if (kept > 0) this.#start();
    return taken;
  }

  /** Offers nothing until a region comes again. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #start(): void {
    this.#timer ??= this.#clock.after(PERIOD, () => {
      this.#timer = null;
      this.#offer();
    });
  }

  #grow(): void {
    const larger = new Uint32Array(this.#waiting.length * 2);
    larger.set(this.#waiting);
    this.#waiting = larger;
  }
}
