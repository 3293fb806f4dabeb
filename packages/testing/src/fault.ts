import type { FaultLayer } from './fault-layer.ts';
import type { RuleGroup } from './rule-group.ts';

/** Something that is wrong with a disk, until it is removed. */
export class Fault {
  readonly #layer: FaultLayer;
  readonly #group: RuleGroup;

  /** Made by `failNext`, `slow` and `inject` of a disk. */
  constructor(layer: FaultLayer, group: RuleGroup) {
    this.#layer = layer;
    this.#group = group;
  }

  /** How often it happened. */
  get fired(): number {
    return this.#group.fired;
  }

  /** Requests that it holds back now. */
  get held(): number {
    return this.#group.held;
  }

  /** It is over; requests that it holds back go on. */
  remove(): void {
    this.#layer.remove(this.#group);
  }
}

/** Requests that a disk does not answer. */
export class Stall extends Fault {
  readonly #held: RuleGroup;

  /** Made by `stall` of a disk. */
  constructor(layer: FaultLayer, group: RuleGroup) {
    super(layer, group);
    this.#held = group;
  }

  /** Resolves when so many requests are held, at once if they are. Rejects with ESHUTDOWN when it is released, or the disk closed, before. */
  waiting(count = 1): Promise<void> {
    return this.#held.waiting(count);
  }

  /** The disk answers again: requests that are held go on, in the order in which they came, and no more are held. */
  release(): void {
    this.remove();
  }
}
