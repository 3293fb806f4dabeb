import {
  ALL_OPS,
  type Bio,
  BioFlag,
  BioOp,
  type BlockDevice,
  type Clock,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  type Filter,
  type FilterContext,
  type FilterType,
  OP_NAMES,
  PreResult,
  Status,
} from '@interposer/core';
import { Heat } from './heat.ts';
import { answerMessage } from './messages.ts';
import { OperationStats } from './operation-stats.ts';
import { statusLine } from './status-line.ts';
import type { Statistics } from './statistics.ts';

const DEFAULT_AREAS = 64;
const MAX_AREAS = 65_536;

class StatsFilter implements Filter, Statistics {
  readonly operations: readonly OperationStats[];
  readonly #device: BlockDevice;
  readonly #clock: Clock;
  readonly #areas: number;
  #heat: Heat;
  #fuaWrites = 0;
  #since: number;

  /** `[areas=<count>]` */
  constructor({ port, clock }: FilterContext, areas: number) {
    this.operations = OP_NAMES.map(() => new OperationStats(clock));
    this.#device = port.device;
    this.#clock = clock;
    this.#areas = areas;
    this.#heat = new Heat(port.device.limits.sectors, areas);
    this.#since = clock.now();
  }

  pre(bio: Bio): PreResult {
    bio.cookie = this.operations[bio.op]!.begin(bio.sector, bio.count);
    return PreResult.Watch;
  }

  post(bio: Bio, cookie: number): EndResult {
    const { op, sector, count } = bio;
    this.operations[op]!.end(count, bio.status !== Status.Ok, cookie);
    if (op === BioOp.Write && (bio.flags & BioFlag.Fua) !== 0) this.#fuaWrites++;
    this.#heat.add(op, sector, count);
    return EndResult.Done;
  }

  get device(): string {
    return this.#device.name;
  }

  get milliseconds(): number {
    return this.#clock.now() - this.#since;
  }

  get fuaWrites(): number {
    return this.#fuaWrites;
  }

  get heat(): Heat {
    return this.#heat;
  }

  clear(): void {
    for (const operation of this.operations) operation.clear();
    this.#heat.clear();
    this.#fuaWrites = 0;
    this.#since = this.#clock.now();
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return `areas=${String(this.#areas)}`;
  }

  status(): string {
    return statusLine(this);
  }

  message(words: readonly string[]): string {
    return answerMessage(this, words);
  }

  /** Another table may have given the device another size: then the areas are others, too. */
  resume(): void {
    const { sectors } = this.#device.limits;
    if (sectors !== this.#heat.sectors) this.#heat = new Heat(sectors, this.#areas);
  }
}

/** Counts what passes and measures how long it takes. Changes nothing, and allocates nothing for a bio. */
export const stats: FilterType = defineFilter({
  name: 'stats',
  version: [1, 0, 0],
  altitude: '450000',
  ops: ALL_OPS,
  knowsIntegrity: true,
  params: [
    {
      name: 'options',
      kind: 'options',
      about: 'how much is kept',
      of: [
        {
          name: 'areas',
          kind: 'uint',
          min: 1,
          max: MAX_AREAS,
          about: 'into how many areas the device is divided at most to tell its heat; 64 by default',
        },
      ],
    },
  ],
  attach: (context, { options }) => new StatsFilter(context, options.areas ?? DEFAULT_AREAS),
});
