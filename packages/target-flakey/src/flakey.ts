import {
  type Area,
  asFilter,
  type Bio,
  BioOp,
  type Clock,
  dataExtent,
  defineTarget,
  EndResult,
  type Extent,
  fail,
  type FilterType,
  type Frame,
  MapResult,
  opSet,
  type Port,
  Random,
  Status,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { CopiedWrites } from './copied-writes.ts';
import { Corruption } from './corruption.ts';
import { type Features, featureText, parseFeatures } from './features.ts';

/** Intervals, and their sum, are 32-bit numbers of the kernel. */
const NUMBERS = 2 ** 32;

const SECOND = 1000;

/** What the parser makes of a line's arguments. */
interface FlakeyArgs {
  readonly device: Port;
  readonly offset: number;
  readonly up: number;
  readonly down: number;
  readonly features: readonly string[];
}

/** Kernel: dm-flakey.c. It is a frame too, for it sees reads and corrupted writes on their way up. */
class Flakey implements Target, Frame {
  readonly #port: Port;
  readonly #offset: number;
  readonly #sectors: number;
  /** From a sector of the mapped device to the same one below. */
  readonly #shift: number;
  readonly #up: number;
  readonly #down: number;
  readonly #features: Features;
  readonly #corruption: Corruption;
  readonly #writes = new CopiedWrites();
  readonly #clock: Clock;
  /** When it went up first: a suspend does not stop the clock. */
  readonly #start: number;

  /** `<device> <offset> <up> <down> [<words> <feature>...]` */
  constructor({ begin, sectors, clock }: TargetContext, args: FlakeyArgs, maySeed: boolean) {
    checkIntervals(args.up, args.down);
    this.#port = args.device;
    this.#offset = args.offset;
    this.#sectors = sectors;
    this.#shift = args.offset - begin;
    this.#up = args.up;
    this.#down = args.down;
    this.#features = parseFeatures(args.features, maySeed);
    const { seed } = this.#features;
    const seeded = seed === undefined ? undefined : new Random(seed);
    this.#corruption = new Corruption(
      this.#features,
      seeded === undefined ? Math.random : () => seeded.next(),
    );
    this.#clock = clock;
    this.#start = clock.now();
  }

  map(bio: Bio): MapResult {
    if (!this.#isDown()) return this.#remap(bio);
    const { errorReads, dropWrites, errorWrites } = this.#features;
    if (bio.op === BioOp.Read) {
      if (errorReads) return MapResult.Kill;
      if (this.#corruption.concerns(BioOp.Read)) bio.watch(this);
      return this.#remap(bio);
    }
    if (dropWrites) {
      bio.complete(Status.Ok);
      return MapResult.Submitted;
    }
    if (errorWrites) return MapResult.Kill;
    if (bio.op === BioOp.Write) this.#corruptWrite(bio);
    return this.#remap(bio);
  }

  /** A read that was sent down while the device was down, or a write that has a copy of its data. */
  endIo(bio: Bio, cookie: number): EndResult {
    const corruption = this.#corruption;
    if (bio.op === BioOp.Write) this.#writes.end(bio, cookie);
    else if (bio.status === Status.Ok) {
      if (corruption.hitsFixed(bio)) corruption.changeFixed(bio);
      if (corruption.hitsRandom(bio)) corruption.changeRandom(bio);
    }
    return EndResult.Done;
  }

  #isDown(): boolean {
    if (this.#down === 0) return false;
    const seconds = Math.floor((this.#clock.now() - this.#start) / SECOND);
    return seconds % (this.#up + this.#down) >= this.#up;
  }

  #corruptWrite(bio: Bio): void {
    const corruption = this.#corruption;
    const fixed = corruption.hitsFixed(bio);
    const random = corruption.hitsRandom(bio);
    if (!fixed && !random) return;
    bio.watch(this, this.#writes.begin(bio));
    if (fixed) corruption.changeFixed(bio);
    if (random) corruption.changeRandom(bio);
  }

  #remap(bio: Bio): MapResult {
    bio.port = this.#port;
    // A flush has no place.
    if (bio.op !== BioOp.Flush) bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#offset, count: this.#sectors }];
  }

  table(): string {
    const place = `${this.#port.device.number} ${String(this.#offset)}`;
    return `${place} ${String(this.#up)} ${String(this.#down)} ${featureText(this.#features)}`;
  }

  /** Where reads may be corrupted even a hole does not read as zeroes. */
  async extents(sector: number, count: number): Promise<Extent[]> {
    if (this.#corruption.concerns(BioOp.Read)) return [dataExtent(sector, count)];
    const below = await this.#port.extents(sector + this.#shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - this.#shift }));
  }
}

/** EINVAL in the words of the kernel, which adds them up in 32 bits. */
function checkIntervals(up: number, down: number): void {
  const given = `up: ${String(up)}, down: ${String(down)}, together 1 to 2^32-1 seconds`;
  if ((up + down) % NUMBERS === 0) throw fail('EINVAL', `Total (up + down) interval is zero (${given})`);
  if (up + down >= NUMBERS) throw fail('EINVAL', `Interval overflow (${given})`);
}

function flakeyType(maySeed: boolean): TargetType {
  return defineTarget({
    name: 'flakey',
    version: [1, 5, 0],
    ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
    params: [
      { name: 'device', kind: 'device', about: 'the device below' },
      {
        name: 'offset',
        kind: 'sector',
        error: 'Invalid device sector',
        about: 'its first sector that is used',
      },
      {
        name: 'up',
        kind: 'uint',
        max: NUMBERS - 1,
        error: 'Invalid up interval',
        about: 'seconds for which it works',
      },
      {
        name: 'down',
        kind: 'uint',
        max: NUMBERS - 1,
        // The kernel has no text of its own for this one.
        error: 'Invalid up interval',
        about: 'seconds for which it does not, each time after those for which it works',
      },
      {
        name: 'features',
        kind: 'rest',
        about: 'the number of words that follow, and what goes wrong; reads and writes fail by default',
      },
    ],
    countError: 'Invalid argument count',
    create: (context, args) => new Flakey(context, args, maySeed),
  });
}

/** A device that works for a while and then does not, over and over. */
export const flakey: TargetType = flakeyType(false);

/** The same for a live device, from the moment it is attached. With the feature `seed <number>` it is the same each time. */
export const flakeyFilter: FilterType = asFilter(flakeyType(true), { altitude: '160000' });
