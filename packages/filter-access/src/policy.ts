import { MODES, type Mode, type ModeSet, modeSet, type Rule } from './rule.ts';
import type { WrittenSectors } from './written.ts';

const WORM = modeSet('worm');

/** Rules in the form that is asked for each bio: runs of sectors without overlap, in order, each with its rules. Immutable. */
export class Policy {
  /** In the order in which they were given. */
  readonly rules: readonly Rule[];
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #modes: Uint8Array;
  /** The rules of each run. */
  readonly #rulesOf: readonly (readonly Rule[])[];

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    const runs = runsOf(rules);
    this.#starts = Float64Array.from(runs, ({ start }) => start);
    this.#ends = Float64Array.from(runs, ({ end }) => end);
    this.#modes = Uint8Array.from(runs, ({ rules: own }) => modeSet(...own.map(({ mode }) => mode)));
    this.#rulesOf = runs.map((run) => run.rules);
  }

  /** The modes that apply to any sector of a range. */
  modesIn(sector: number, end: number): ModeSet {
    let modes = 0;
    for (let run = this.#firstRun(sector); run < this.#starts.length; run++) {
      if (this.#starts[run]! >= end) break;
      modes |= this.#modes[run]!;
    }
    return modes;
  }

  /** The first rule of a mode that applies to a sector of a range, where one does. */
  ruleIn(sector: number, end: number, mode: Mode): Rule | undefined {
    for (let run = this.#firstRun(sector); run < this.#starts.length && this.#starts[run]! < end; run++) {
      const rule = this.#rulesOf[run]!.find((one) => one.mode === mode);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  /** Whether a sector of a range was written that is under the mode `worm`. */
  touchesWritten(sector: number, end: number, written: WrittenSectors): boolean {
    for (let run = this.#firstRun(sector); run < this.#starts.length && this.#starts[run]! < end; run++) {
      if ((this.#modes[run]! & WORM) === 0) continue;
      if (written.touches(Math.max(sector, this.#starts[run]!), Math.min(end, this.#ends[run]!))) return true;
    }
    return false;
  }

  /** Notes those sectors of a range as written that are under the mode `worm`. */
  noteWritten(sector: number, end: number, written: WrittenSectors): void {
    for (let run = this.#firstRun(sector); run < this.#starts.length && this.#starts[run]! < end; run++) {
      if ((this.#modes[run]! & WORM) === 0) continue;
      written.add(Math.max(sector, this.#starts[run]!), Math.min(end, this.#ends[run]!));
    }
  }

  /** The parts of a range to which a mode applies, in order. */
  *partsIn(sector: number, end: number, mode: Mode): Generator<readonly [sector: number, end: number]> {
    const wanted = modeSet(mode);
    for (let run = this.#firstRun(sector); run < this.#starts.length && this.#starts[run]! < end; run++) {
      if ((this.#modes[run]! & wanted) === 0) continue;
      yield [Math.max(sector, this.#starts[run]!), Math.min(end, this.#ends[run]!)];
    }
  }

  /** The first run that ends behind a sector. */
  #firstRun(sector: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! > sector) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

interface Run {
  readonly start: number;
  readonly end: number;
  readonly rules: readonly Rule[];
}

/** Cut wherever a rule begins or ends; what no rule is for is left out. */
function runsOf(rules: readonly Rule[]): Run[] {
  const cuts = [...new Set(rules.flatMap(({ first, end }) => [first, end]))].sort((a, b) => a - b);
  const strictestFirst = [...rules].sort((a, b) => MODES.indexOf(a.mode) - MODES.indexOf(b.mode));
  return cuts.flatMap((start, i) => {
    const end = cuts[i + 1] ?? Infinity;
    const own = strictestFirst.filter((rule) => rule.first <= start && rule.end >= end && start < end);
    return own.length === 0 ? [] : [{ start, end, rules: own }];
  });
}
