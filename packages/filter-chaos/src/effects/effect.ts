import type { Bio, Port, PreResult, Random } from '@interposer/core';
import type { AlteredBios } from '../altered.ts';
import type { Descent } from '../descent.ts';
import type { Holding } from '../holding.ts';
import type { Power } from '../power.ts';

/** What a rule does to the bios it fires for. Made once for a rule. */
export interface Effect {
  /** The answer of the filter's `pre`. */
  apply(bio: Bio): PreResult;
}

/** What effects work with. */
export interface Surroundings {
  readonly port: Port;
  readonly descent: Descent;
  readonly holding: Holding;
  readonly altered: AlteredBios;
  readonly power: Power;
}

/** What an effect gets: the surroundings, and the random numbers of its rule. */
export interface EffectContext extends Surroundings {
  readonly random: Random;
}
