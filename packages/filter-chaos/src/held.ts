import type { Bio } from '@interposer/core';

/** A bio that is held back. */
export interface Held {
  readonly bio: Bio;
  /** What it is resumed by. */
  readonly tag: string;
  /** When it came, in milliseconds of the engine's clock. */
  readonly since: number;
  /** When it goes on by itself; Infinity: never. */
  readonly due: number;
  /** Counts all that were ever held. */
  readonly order: number;
}

/** The tag of delayed bios. */
export const DELAYED = 'delay';

/** The tag of stalled bios. */
export const STALLED = 'stall';
