import { type Altitude, compareAltitudes } from './altitude.ts';
import type { Bio, Frame, Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { EndResult, hasOp, OP_COUNT, type OpSet, Status } from './constants.ts';
import { fail } from './errors.ts';
import type { Filter, FilterType } from './filter.ts';
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
  /** Its contract is broken: it is not called again. */
  fenced = false;

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

  /** What to write behind `filter attach DEV` to get it again. */
  get spec(): string {
    return `${this.type.name}@${this.altitude} ${this.filter.table()}`.trimEnd();
  }

  endIo(bio: Bio, cookie: number): EndResult {
    if (this.filter.post === undefined) return EndResult.Done;
    if (!this.fenced) return this.filter.post(bio, cookie);
    // What `post` would have done to the bio is missing: nobody above may take it for good.
    bio.status = Status.Io;
    return EndResult.Done;
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

  /** Throws EBUSY where the altitude is taken: order never depends on who came first. */
  with(step: FilterStep): FilterStack {
    const holder = this.at(step.altitude);
    if (holder !== undefined) {
      throw fail('EBUSY', `altitude ${step.altitude} on ${step.device.name} is taken by ${holder.type.name}`);
    }
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
    for (let op = 0; op < OP_COUNT; op++) {
      const chain = this.chains[op]!;
      const first = chain.findIndex(({ step }) => port.sees(step.altitude));
      port.entry[op] = first < 0 ? chain.length : first;
    }
  }
}
