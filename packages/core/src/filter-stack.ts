import { type Altitude, compareAltitudes } from './altitude.ts';
import type { Bio, Frame, Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { EndResult, hasOp, OP_COUNT, type OpSet, type PreResult, Status } from './constants.ts';
import { CostSample, isSampled, stopwatch } from './cost.ts';
import { fail } from './errors.ts';
import type { Filter, FilterType } from './filter.ts';
import type { Limits } from './limits.ts';
import type { Port } from './port.ts';

/** One filter in the stack of one device. */
export class FilterStep implements Frame, Holder {
  readonly device: BlockDevice;
  readonly type: FilterType;
  readonly altitude: Altitude;
  readonly filter: Filter;
  /** The filter's own port, below itself. */
  readonly port: Port;
  /** Ports on other devices, which its arguments name. */
  readonly others: readonly Port[];
  readonly label: string;
  /** Operations it lets through: seen or unseen. */
  readonly ops: OpSet;
  /** Came by a rule: goes when the last user of the device does. */
  byRule = false;
  /** Its contract is broken: it is not called again. */
  fenced = false;
  /** Bios it saw on their way down. */
  bios = 0;
  readonly #down: CostSample = new CostSample();
  readonly #up: CostSample = new CostSample();
  #returns = 0;

  constructor(
    device: BlockDevice,
    type: FilterType,
    altitude: Altitude,
    filter: Filter,
    port: Port,
    others: readonly Port[],
  ) {
    this.device = device;
    this.type = type;
    this.altitude = altitude;
    this.filter = filter;
    this.port = port;
    this.others = others;
    this.ops = type.ops | type.passes;
    this.label = `filter ${type.name}@${altitude}`;
  }

  /** What holds above it where it said that, whatever its type does not know. */
  promise(said: Limits): Limits {
    const integrity = this.type.knowsIntegrity === true ? said.integrity : 0;
    return { ...said, ops: said.ops & this.ops, integrity };
  }

  /** What to write behind `filter attach DEV` to get it again, without keys. */
  get spec(): string {
    return `${this.type.name}@${this.altitude} ${this.filter.table(false)}`.trimEnd();
  }

  endIo(bio: Bio, cookie: number): EndResult {
    if (this.filter.post === undefined) return EndResult.Done;
    if (!this.fenced) {
      return isSampled(++this.#returns) ? this.#timedPost(bio, cookie) : this.filter.post(bio, cookie);
    }
    // What `post` would have done to the bio is missing: nobody above may take it for good.
    if (bio.status === Status.Ok) bio.status = Status.Io;
    return EndResult.Done;
  }

  /** Its own time for a bio, down and up, in nanoseconds; undefined while there is no sample. */
  get cost(): number | undefined {
    const down = this.#down.mean;
    if (down === undefined) return undefined;
    return down + ((this.#up.mean ?? 0) * this.#returns) / this.bios;
  }

  /** As `filter.pre`, with a look at the clock. */
  timedPre(bio: Bio): PreResult {
    const start = stopwatch();
    const verdict = this.filter.pre(bio);
    this.#down.add(stopwatch() - start);
    return verdict;
  }

  #timedPost(bio: Bio, cookie: number): EndResult {
    const start = stopwatch();
    const result = this.filter.post!(bio, cookie);
    this.#up.add(stopwatch() - start);
    return result;
  }
}

/** One link of the chain that the bios of one operation go down. */
export interface Link {
  readonly step: FilterStep;
  /** False: the filter does not know the operation, which ends here. */
  readonly known: boolean;
}

/** The filters of a device, highest first. Immutable: an edit makes a new stack, which core puts in place at once. */
export class FilterStack {
  readonly steps: readonly FilterStep[];
  /** For each operation the filters that see it, or refuse it, highest first. */
  readonly chains: readonly (readonly Link[])[];

  constructor(steps: readonly FilterStep[] = []) {
    this.steps = steps;
    this.chains = Array.from({ length: OP_COUNT }, (_, op) =>
      steps
        .filter((step) => !hasOp(step.type.passes, op as 0))
        .map((step) => ({ step, known: hasOp(step.type.ops, op as 0) })),
    );
  }

  /** EBUSY where an altitude is taken: order never depends on who came first. */
  checkFree(altitude: Altitude, device: BlockDevice): void {
    const holder = this.at(altitude);
    if (holder === undefined) return;
    throw fail('EBUSY', `altitude ${altitude} on ${device.name} is taken by ${holder.type.name}`);
  }

  /** With one more filter, at an altitude that is free. */
  with(step: FilterStep): FilterStack {
    this.checkFree(step.altitude, step.device);
    return new FilterStack([...this.steps, step].sort((a, b) => compareAltitudes(b.altitude, a.altitude)));
  }

  without(step: FilterStep): FilterStack {
    return new FilterStack(this.steps.filter((other) => other !== step));
  }

  at(altitude: Altitude): FilterStep | undefined {
    return this.steps.find((step) => step.altitude === altitude);
  }

  /** Sets where the bios of a port enter each chain. */
  place(port: Port): void {
    const level = this.steps.findIndex(({ altitude }) => port.sees(altitude));
    port.level = level < 0 ? this.steps.length : level;
    for (let op = 0; op < OP_COUNT; op++) {
      const chain = this.chains[op]!;
      const first = chain.findIndex(({ step }) => port.sees(step.altitude));
      port.entry[op] = first < 0 ? chain.length : first;
    }
  }
}
