import { type Bio, PreResult, SEEDS, Status } from '@interposer/core';
import type { PowerCut } from '../power.ts';
import type { Effect, EffectContext } from './effect.ts';

/** Nothing is done; the bio ends at once. `error` and, with `Ok`, `drop`. */
export class Answer implements Effect {
  readonly #status: Status;

  constructor(status: Status) {
    this.#status = status;
  }

  apply(bio: Bio): PreResult {
    bio.result = this.#status;
    return PreResult.Complete;
  }
}

/** The bio goes on as if there were no rule; with `cached`, into the volatile cache. */
export class GoOn implements Effect {
  readonly #context: EffectContext;
  readonly #cached: boolean;

  constructor(context: EffectContext, cached: boolean) {
    this.#context = context;
    this.#cached = cached;
  }

  apply(bio: Bio): PreResult {
    return this.#context.descent.send(bio, this.#cached);
  }
}

/** The power fails before the bio is done. */
export class CutPower implements Effect {
  readonly #context: EffectContext;
  readonly #cut: PowerCut;

  constructor(context: EffectContext, cut: PowerCut) {
    this.#context = context;
    this.#cut = cut;
  }

  apply(bio: Bio): PreResult {
    const { power, random } = this.#context;
    power.cutByRule(this.#cut, random.below(SEEDS));
    bio.result = Status.Io;
    return PreResult.Complete;
  }
}
