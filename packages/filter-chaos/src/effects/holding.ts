import { type Bio, PreResult } from '@interposer/core';
import { LogNormal } from '../latency.ts';
import type { ChaosAction } from '../rule.ts';
import type { Effect, EffectContext } from './effect.ts';

/** The bio stops until its tag is resumed. `stall` and `break`. */
export class Stop implements Effect {
  readonly #context: EffectContext;
  readonly #tag: string;

  constructor(context: EffectContext, tag: string) {
    this.#context = context;
    this.#tag = tag;
  }

  apply(bio: Bio): PreResult {
    const { holding, descent } = this.#context;
    return holding.stop(bio, this.#tag) ? PreResult.Taken : descent.send(bio);
  }
}

/** The bio goes on so many milliseconds later. */
export class Delay implements Effect {
  readonly #context: EffectContext;
  readonly #milliseconds: number;

  constructor(context: EffectContext, milliseconds: number) {
    this.#context = context;
    this.#milliseconds = milliseconds;
  }

  apply(bio: Bio): PreResult {
    const { holding, descent } = this.#context;
    return holding.delay(bio, this.#milliseconds) ? PreResult.Taken : descent.send(bio);
  }
}

/** The bio goes on after a random time, as long for each bio of a burst. */
export class Latency implements Effect {
  readonly #context: EffectContext;
  readonly #distribution: LogNormal;
  readonly #burst: number;
  #milliseconds = 0;
  /** Bios that are still to take as long as the last. */
  #left = 0;

  constructor(context: EffectContext, { p50, p99, burst = 1 }: ChaosAction & { kind: 'latency' }) {
    this.#context = context;
    this.#distribution = new LogNormal(p50, p99);
    this.#burst = burst;
  }

  apply(bio: Bio): PreResult {
    const { holding, descent, random } = this.#context;
    if (this.#left === 0) {
      this.#left = this.#burst;
      this.#milliseconds = this.#distribution.draw(random);
    }
    this.#left--;
    return holding.delay(bio, this.#milliseconds) ? PreResult.Taken : descent.send(bio);
  }
}
