import {
  type Bio,
  BioOp,
  type Clock,
  defineFilter,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  opSet,
  type Param,
  parseSettings,
  type Port,
  PreResult,
  type Timer,
} from '@interposer/core';
import { Bucket, type Moment } from './bucket.ts';
import { Lane } from './lane.ts';
import {
  DEFAULT_BURST,
  NO_RATES,
  type RateArgs,
  type RateName,
  type Rates,
  ratesList,
  ratesText,
  withGiven,
} from './rates.ts';

const MILLISECONDS = 1000;

/** In milliseconds: the longest time that a timer of Node takes. A longer wait is done in several. */
const LONGEST_WAIT = 2 ** 31 - 1;

class ThrottleFilter implements Filter {
  readonly #port: Port;
  readonly #clock: Clock;
  readonly #buckets: Readonly<Record<RateName, Bucket>> = {
    iops: new Bucket(),
    'read-iops': new Bucket(),
    'write-iops': new Bucket(),
    bps: new Bucket(),
    'read-bps': new Bucket(),
    'write-bps': new Bucket(),
  };
  readonly #reads: Lane = new Lane();
  readonly #writes: Lane = new Lane();
  readonly #now: Moment = new Float64Array(1);
  #rates: Rates = NO_RATES;
  /** The gate is closed: nothing is held back. */
  #draining = false;
  #timer: Timer | null = null;
  /** What the timer was started for; Infinity where there is none. */
  #timerDue = Infinity;
  #passed = 0;
  #delayed = 0;
  #delay = 0;
  #order = 0;

  constructor({ port, clock }: FilterContext, given: RateArgs) {
    this.#port = port;
    this.#clock = clock;
    this.#change(given);
  }

  pre(bio: Bio): PreResult {
    const lane = bio.op === BioOp.Read ? this.#reads : this.#writes;
    if (!lane.isLimited && lane.count === 0) {
      this.#passed++;
      return PreResult.Pass;
    }
    const now = this.#look();
    // A bio of the other direction that came earlier has the first right to a limit that both share.
    const mayGo = this.#reads.count + this.#writes.count === 0 && lane.isDue(now);
    if (mayGo) {
      lane.take(bio, now);
      this.#passed++;
      return PreResult.Pass;
    }
    lane.push(bio, now, this.#order++);
    this.#release();
    return PreResult.Taken;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return ratesText(this.#rates);
  }

  /** `held=<bios> passed=<bios> delayed=<bios> delay-ms=<milliseconds of all delayed ones together>` */
  status(): string {
    const held = this.#reads.count + this.#writes.count;
    const delay = Math.round(this.#delay);
    return `held=${String(held)} passed=${String(this.#passed)} delayed=${String(this.#delayed)} delay-ms=${String(delay)}`;
  }

  /** `set KEY=VALUE...` and `show`. */
  message([verb = '', ...words]: readonly string[]): string {
    if (verb === 'show' && words.length === 0) return ratesList(this.#rates);
    if (verb !== 'set' || words.length === 0) {
      const given = [verb, ...words].join(' ');
      throw fail('EINVAL', `filter throttle: unknown message "${given}"; messages: set KEY=VALUE..., show`);
    }
    this.#change(parseSettings(PARAMS[0], words, 'filter throttle'));
    this.#release();
    return '';
  }

  /** What goes now is taken from the limits all the same, so that closing a gate gives nobody more than the limit. */
  presuspend(): void {
    this.#draining = true;
    this.#release();
  }

  resume(): void {
    this.#draining = false;
  }

  /** Bios are left only where the device vanished or the filter was forced out: core has failed them. */
  detach(): void {
    this.#reads.clear();
    this.#writes.clear();
    this.#startTimer();
  }

  #change(given: RateArgs): void {
    const rates = withGiven(this.#rates, given);
    const now = this.#clock.now();
    const burst = Number(rates.burst) * MILLISECONDS;
    for (const [name, bucket] of Object.entries(this.#buckets))
      bucket.change(rates[name as RateName], burst, now);
    this.#rates = rates;
    this.#reads.follow(this.#limited('iops', 'read-iops'), this.#limited('bps', 'read-bps'));
    this.#writes.follow(this.#limited('iops', 'write-iops'), this.#limited('bps', 'write-bps'));
  }

  #limited(...names: readonly RateName[]): Bucket[] {
    return names.filter((name) => this.#rates[name] > 0).map((name) => this.#buckets[name]);
  }

  /** What time it is. The answer is always the same array: a bio that is sent on may bring others in here meanwhile. */
  #look(): Moment {
    this.#now[0] = this.#clock.now();
    return this.#now;
  }

  /** Sends on every held bio that is due. A bio that ends at once may bring the next one in here again: that does no harm. */
  #release(): void {
    const now = this.#look();
    for (let lane = this.#nextLane(now); lane !== null; lane = this.#nextLane(now)) {
      const { bio, since } = lane.head!;
      const delay = now[0]! - since;
      lane.shift();
      lane.take(bio, now);
      this.#passed++;
      if (delay > 0) this.#delayed++;
      this.#delay += delay;
      this.#port.forward(bio);
    }
    this.#startTimer();
  }

  /** Of the lanes whose head is due, the one whose head came first. */
  #nextLane(now: Moment): Lane | null {
    const read = this.#isDue(this.#reads, now) ? this.#reads.head : null;
    const write = this.#isDue(this.#writes, now) ? this.#writes.head : null;
    if (read === null) return write === null ? null : this.#writes;
    return write === null || read.order < write.order ? this.#reads : this.#writes;
  }

  #isDue(lane: Lane, now: Moment): boolean {
    return lane.count > 0 && (this.#draining || lane.isDue(now));
  }

  /** One timer for the bio that is due next. */
  #startTimer(): void {
    const due = Math.min(dueAt(this.#reads), dueAt(this.#writes));
    if (due === this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    const wait = Math.min(due - this.#now[0]!, LONGEST_WAIT);
    this.#timer = due === Infinity ? null : this.#clock.after(wait, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerDue = Infinity;
    this.#release();
  };
}

function dueAt(lane: Lane): number {
  return lane.count === 0 ? Infinity : lane.dueAt;
}

/** `[iops=<n>] [read-iops=<n>] [write-iops=<n>] [bps=<size>] [read-bps=<size>] [write-bps=<size>] [burst=<seconds>]` */
const PARAMS = [
  {
    name: 'limits',
    kind: 'options',
    about: 'what to limit; 0, as leaving it out, is no limit',
    of: [
      { name: 'iops', kind: 'uint', about: 'requests a second' },
      { name: 'read-iops', kind: 'uint', about: 'reads a second' },
      { name: 'write-iops', kind: 'uint', about: 'writes, discards and write-zeroes a second' },
      { name: 'bps', kind: 'size', about: 'bytes a second' },
      { name: 'read-bps', kind: 'size', about: 'bytes read a second' },
      { name: 'write-bps', kind: 'size', about: 'bytes written a second' },
      {
        name: 'burst',
        kind: 'word',
        about: `seconds' worth of each limit that may go at once after a rest, ${DEFAULT_BURST} by default`,
      },
    ],
  },
] as const satisfies readonly Param[];

/**
 * Holds requests back so that no more of them, or of their bytes, pass in a second than allowed. Flushes go by: they are
 * about writes that have completed, and a held one has not. EINVAL for settings that are none.
 */
export const throttle: FilterType = defineFilter({
  name: 'throttle',
  version: [1, 0, 0],
  altitude: '340000',
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Discard, BioOp.WriteZeroes),
  passes: opSet(BioOp.Flush),
  knowsIntegrity: true,
  params: PARAMS,
  attach: (context, { limits }) => new ThrottleFilter(context, limits),
});
