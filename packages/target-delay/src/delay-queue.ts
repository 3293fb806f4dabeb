import { Alarm, type Bio, BioOp, type Clock, plug, unplug } from '@interposer/core';
import { BioRing } from './bio-ring.ts';

/** The delays of the three classes of bios, in milliseconds. */
export type Delays = readonly [reads: number, writes: number, flushes: number];

/** The class of an operation: 0 reads, 1 whatever changes data, 2 flushes. Kernel: delay_map. */
export function classOf(op: BioOp): number {
  if (op === BioOp.Read) return 0;
  return op === BioOp.Flush ? 2 : 1;
}

/**
 * Holds bios back, each for the delay of its class, and then sends them to their `bio.port`: in the order in which they are
 * due, those of one moment in the order they came. One timer, for the one due next. Kernel: dm-delay.c.
 */
export class DelayQueue {
  readonly #clock: Clock;
  readonly #delays: Delays;
  readonly #held: readonly BioRing[] = [new BioRing(), new BioRing(), new BioRing()];
  /** How many bios came, to tell the order of those that are due at the same time. */
  #arrivals = 0;
  #mayDelay = true;
  readonly #alarm: Alarm;

  constructor(clock: Clock, delays: Delays) {
    this.#clock = clock;
    this.#delays = delays;
    this.#alarm = new Alarm(clock, () => {
      this.#sendDue();
    });
  }

  /** True: the queue has the bio from now on, and its owner sets `bio.port`. False: it is to go on at once. */
  hold(bio: Bio): boolean {
    const index = classOf(bio.op);
    const delay = this.#delays[index]!;
    if (delay === 0 || !this.#mayDelay) return false;
    const now = this.#clock.now();
    this.#held[index]!.push(bio, now + delay, this.#arrivals++);
    this.#alarm.wakeAt(now + delay, now);
    return true;
  }

  /** Sends all on, in the order they came; until `resume` nothing is held. Kernel: delay_presuspend. */
  letGo(): void {
    this.#mayDelay = false;
    this.#alarm.stop();
    plug();
    for (let ring = this.#oldest(); ring.length > 0; ring = this.#oldest()) sendOn(ring);
    unplug();
  }

  /** Bios are held again. */
  resume(): void {
    this.#mayDelay = true;
  }

  /** For good: bios that are still here have been failed by core, and are not sent on. */
  close(): void {
    this.#alarm.stop();
  }

  /** How many bios of each class wait: `<reads> <writes> <flushes>`. */
  status(): string {
    return this.#held.map(({ length }) => String(length)).join(' ');
  }

  #sendDue(): void {
    const now = this.#clock.now();
    plug();
    for (let ring = this.#next(); ring.firstDue <= now; ring = this.#next()) sendOn(ring);
    unplug();
    const { firstDue } = this.#next();
    if (firstDue < Infinity) this.#alarm.wakeAt(firstDue, now);
  }

  /** The class whose first bio is due first: delays do not change, so each class is in order by itself. */
  #next(): BioRing {
    let next = this.#held[0]!;
    for (const ring of this.#held) {
      const sooner = ring.firstDue - next.firstDue;
      if (sooner < 0 || (sooner === 0 && ring.firstNumber < next.firstNumber)) next = ring;
    }
    return next;
  }

  /** The class whose first bio came first. */
  #oldest(): BioRing {
    let oldest = this.#held[0]!;
    for (const ring of this.#held) if (ring.firstNumber < oldest.firstNumber) oldest = ring;
    return oldest;
  }
}

function sendOn(ring: BioRing): void {
  const bio = ring.shift();
  bio.port!.forward(bio);
}
