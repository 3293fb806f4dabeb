import {
  ALL_OPS,
  type Bio,
  defineFilter,
  type Extent,
  type ExtentSource,
  type Filter,
  type FilterContext,
  type FilterType,
  type Port,
  PreResult,
} from '@interposer/core';
import { DelayQueue } from './delay-queue.ts';

/** The most milliseconds, as in the target. */
const MAX_DELAY = 2 ** 32 - 1;

/** What the parser makes of the filter's arguments. */
interface DelayFilterArgs {
  readonly delay: number;
  readonly write_delay: number | undefined;
  readonly flush_delay: number | undefined;
}

/** A filter of its own, for `asFilter` hides one device and offset only, and the target has up to three of each. */
class DelayFilter implements Filter {
  readonly #port: Port;
  readonly #args: string;
  readonly #queue: DelayQueue;

  /** `<delay> [<write_delay> [<flush_delay>]]` */
  constructor({ port, clock }: FilterContext, { delay, write_delay, flush_delay }: DelayFilterArgs) {
    this.#port = port;
    this.#args = [delay, write_delay, flush_delay].filter((word) => word !== undefined).join(' ');
    const writes = write_delay ?? delay;
    this.#queue = new DelayQueue(clock, [delay, writes, flush_delay ?? writes]);
  }

  pre(bio: Bio): PreResult {
    if (!this.#queue.hold(bio)) return PreResult.Pass;
    bio.port = this.#port;
    return PreResult.Taken;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return this.#args;
  }

  /** Bios that wait: `<reads> <writes> <flushes>`. */
  status(): string {
    return this.#queue.status();
  }

  presuspend(): void {
    this.#queue.letGo();
  }

  resume(): void {
    this.#queue.resume();
  }

  detach(): void {
    this.#queue.close();
  }
}

/** Sends the requests of a live device on after a delay, one for reads, one for what changes data, one for flushes. */
export const delayFilter: FilterType = defineFilter({
  name: 'delay',
  version: [1, 4, 0],
  altitude: '150000',
  ops: ALL_OPS,
  knowsIntegrity: true,
  params: [
    {
      name: 'delay',
      kind: 'uint',
      max: MAX_DELAY,
      error: 'Invalid delay',
      about: 'how much later requests go on, in milliseconds; 0: at once',
    },
    {
      name: 'write_delay',
      kind: 'uint',
      max: MAX_DELAY,
      optional: true,
      error: 'Invalid delay',
      about: 'the same for writes, discards, write-zeroes and, unless a third number follows, flushes',
    },
    {
      name: 'flush_delay',
      kind: 'uint',
      max: MAX_DELAY,
      optional: true,
      error: 'Invalid delay',
      about: 'the same for flushes',
    },
  ],
  attach: (context, args) => new DelayFilter(context, args),
});
