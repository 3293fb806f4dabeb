/** One write of a sector, in the order in which they were sent. */
interface Version {
  readonly value: number;
  isAcknowledged: boolean;
}

/**
 * What a disk with a volatile cache owes its user, and nothing else: for each sector every version there ever was, and the
 * newest one that is promised to be stable. Knows nothing of how a cache works. Writes of one sector are never under way at
 * the same time.
 */
export class Oracle {
  readonly #versions: Version[][];
  /** Index of the newest version that a flush or FUA covers; -1: the zeroes that were there before all. */
  readonly #floor: number[];

  constructor(sectors: number) {
    this.#versions = Array.from({ length: sectors }, () => []);
    this.#floor = new Array<number>(sectors).fill(-1);
  }

  sent(sector: number, count: number, value: number): void {
    for (let at = sector; at < sector + count; at++)
      this.#versions[at]!.push({ value, isAcknowledged: false });
  }

  /** The last write of a range was acknowledged; with `isStable` it also is stable. */
  acknowledged(sector: number, count: number, isStable: boolean): void {
    for (let at = sector; at < sector + count; at++) {
      const versions = this.#versions[at]!;
      versions.at(-1)!.isAcknowledged = true;
      if (isStable) this.#floor[at] = versions.length - 1;
    }
  }

  /** What a flush that is sent now covers: for each sector its newest acknowledged version. */
  cover(): number[] {
    return this.#versions.map((versions) => versions.findLastIndex(({ isAcknowledged }) => isAcknowledged));
  }

  /** A flush went well. */
  flushed(cover: readonly number[]): void {
    for (const [sector, version] of cover.entries())
      this.#floor[sector] = Math.max(this.#floor[sector]!, version);
  }

  /** What a read that is sent now must see at least. */
  mark(sector: number, count: number): number[] {
    return this.cover().slice(sector, sector + count);
  }

  /** Why sectors that were read cannot be so: each must be as of the mark, or newer. Undefined: they can. */
  checkRead(sector: number, values: readonly number[], mark: readonly number[]): string | undefined {
    return this.#problem(sector, values, (at) => mark[at - sector]!);
  }

  /** Why sectors after a power cut cannot be so. */
  checkStable(values: readonly number[]): string | undefined {
    return this.#problem(0, values, (at) => this.#floor[at]!);
  }

  /** After a power cut and a look at the disk, what is there is where everything begins anew. */
  restart(values: readonly number[]): void {
    for (const [sector, value] of values.entries()) {
      this.#versions[sector] = [{ value, isAcknowledged: true }];
      this.#floor[sector] = 0;
    }
  }

  #problem(first: number, values: readonly number[], floorOf: (at: number) => number): string | undefined {
    for (const [index, value] of values.entries()) {
      const at = first + index;
      const floor = floorOf(at);
      const versions = this.#versions[at]!;
      const allowed = versions.slice(Math.max(0, floor)).map((version) => version.value);
      if (floor < 0) allowed.push(0);
      if (!allowed.includes(value)) {
        const all = versions.map((version) => version.value).join(' ');
        return `sector ${String(at)} is ${String(value)}, allowed ${allowed.join(' ')}, history ${all}`;
      }
    }
    return undefined;
  }
}
