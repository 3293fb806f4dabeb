import { Random } from '@interposer/core';
import { Cells, type DurableDisk, untouched } from './cells.ts';
import type { BaseImage } from './base-image.ts';
import { CrashState, type StateOrigin } from './crash-state.ts';
import type { Epoch, History } from './history.ts';
import type { LogWrite } from './log-write.ts';
import { type Selection, whole } from './selection.ts';
import { type Tear, type Tears, tearsOf } from './tears.ts';

/** The tears of an epoch's writes that are tried. The same seed gives the same. */
export function tearsOfEpoch(epoch: Epoch, unit: number, seed: number): Map<LogWrite, Tears> {
  const random = new Random(seed + epoch.number);
  return new Map(epoch.writes.map((write) => [write, tearsOf(write, unit, random)]));
}

/** Makes the states of one epoch. */
export class EpochStates {
  readonly epoch: Epoch;
  readonly #origin: StateOrigin;

  constructor(origin: StateOrigin) {
    this.epoch = origin.epoch;
    this.#origin = origin;
  }

  /** The state that a selection of the epoch's writes leaves. */
  state(selection: Selection): CrashState {
    return new CrashState(this.#origin, selection);
  }

  /** The disk when the epoch is over. */
  after(): DurableDisk {
    return this.#origin.cells.after(this.epoch.writes.map(whole));
  }

  /** Numbers of the entries whose order the log does not tell, though they overlap. */
  ambiguous(): { readonly epoch: number; readonly fua: number; readonly write: number }[] {
    const { number, fua, loose } = this.epoch;
    return this.#origin.cells
      .ambiguous(fua, loose)
      .map(([one, other]) => ({ epoch: number, fua: one.entry, write: other.entry }));
  }
}

/**
 * The epochs of a log, one after the other, each over what those before it left. `tears` has each write of the epoch, with the
 * tears that its states may have.
 */
export async function* walkEpochs(
  base: BaseImage,
  { epochs, marks }: History,
  tears: (epoch: Epoch) => ReadonlyMap<LogWrite, readonly Tear[]>,
): AsyncGenerator<EpochStates> {
  let before = untouched(base);
  for (const epoch of epochs) {
    const states = new EpochStates({ epoch, marks, cells: await Cells.make(before, tears(epoch)) });
    yield states;
    before = states.after();
  }
}
