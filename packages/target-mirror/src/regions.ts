/** What is known of a region. */
export const RegionState = {
  /** All legs hold the same. */
  InSync: 0,
  /** Only the default leg is right. */
  NoSync: 1,
  /** It is copied to the other legs, or waits for its writes to end before that. New writes wait. */
  Recovering: 2,
  /** A copy failed and errors are not handled: counted as in sync, as in the kernel, but only the default leg is read. */
  GivenUp: 3,
} as const;
export type RegionState = (typeof RegionState)[keyof typeof RegionState];

/** The row cut into regions of one size, the last of which may be shorter: their states, and the writes under way in them. */
export class Regions {
  /** Sectors of a region. */
  readonly size: number;
  readonly count: number;
  readonly #sectors: number;
  readonly #states: Uint8Array;
  /** Writes and discards under way, by region. */
  readonly #pending: Uint32Array;
  #inSync = 0;
  #givenUp = 0;

  /** All regions begin as not in sync. */
  constructor(sectors: number, size: number) {
    this.size = size;
    this.count = Math.ceil(sectors / size);
    this.#sectors = sectors;
    this.#states = new Uint8Array(this.count).fill(RegionState.NoSync);
    this.#pending = new Uint32Array(this.count);
  }

  /** How many count as in sync. */
  get inSync(): number {
    return this.#inSync;
  }

  get allInSync(): boolean {
    return this.#inSync === this.count;
  }

  /** Whether all legs hold the same in all regions: none only counts as in sync. */
  get allSame(): boolean {
    return this.allInSync && this.#givenUp === 0;
  }

  /** How many sectors are the same on all legs, in whole regions but for all of them. */
  get sectorsSame(): number {
    const regions = this.#inSync - this.#givenUp;
    return regions === this.count ? this.#sectors : Math.min(regions * this.size, this.#sectors - 1);
  }

  /** The region of a sector, counted from the start of the row. */
  at(sector: number): number {
    return Math.floor(sector / this.size);
  }

  startOf(region: number): number {
    return region * this.size;
  }

  lengthOf(region: number): number {
    return Math.min(this.size, this.#sectors - region * this.size);
  }

  state(region: number): RegionState {
    return this.#states[region]! as RegionState;
  }

  setState(region: number, state: RegionState): void {
    const old = this.state(region);
    this.#inSync += Number(counts(state)) - Number(counts(old));
    this.#givenUp += Number(state === RegionState.GivenUp) - Number(old === RegionState.GivenUp);
    this.#states[region] = state;
  }

  /** The first region at or behind the given one that is in a state; -1: none. */
  find(state: RegionState, from: number): number {
    return this.#states.indexOf(state, from);
  }

  isBusy(region: number): boolean {
    return this.#pending[region]! > 0;
  }

  enter(region: number): void {
    this.#pending[region]!++;
  }

  /** True: that was the last write under way in the region. */
  leave(region: number): boolean {
    const left = this.#pending[region]! - 1;
    this.#pending[region] = left;
    return left === 0;
  }
}

function counts(state: RegionState): boolean {
  return state === RegionState.InSync || state === RegionState.GivenUp;
}
