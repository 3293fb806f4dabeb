import {
  ALL_OPS,
  type Area,
  type Bio,
  BioOp,
  defineTarget,
  EndResult,
  type Extent,
  type Frame,
  type Limits,
  MapResult,
  type Port,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { interleave } from './interleave.ts';
import { type Layout, layoutOf } from './layout.ts';

/** The kernel reads both numbers as 32-bit ones. */
const MAX_NUMBER = 2 ** 32 - 1;

/** Only the errors of a stripe before the one of this number raise an event. Kernel: DM_IO_ERROR_THRESHOLD. */
const EVENT_THRESHOLD = 15;

/** What the parser makes of a line's arguments. */
interface StripedArgs {
  readonly stripes: number;
  readonly chunk: number;
  readonly destinations: readonly { readonly device: Port; readonly offset: number }[];
}

/** Kernel: dm-stripe.c. */
class Striped implements Target, Frame {
  /** One chunk, so that each read or write lies on one stripe. */
  readonly maxIo: number;
  readonly flushCopies: number;
  readonly discardCopies: number;
  readonly writeZeroesCopies: number;
  readonly #layout: Layout;
  readonly #begin: number;
  readonly #ports: readonly Port[];
  readonly #offsets: readonly number[];
  readonly #errors: number[];
  readonly #event: () => void;

  /** `<stripes> <chunk> [<device> <offset>]×stripes` */
  constructor(context: TargetContext, { stripes, chunk, destinations }: StripedArgs) {
    this.#layout = layoutOf(context.sectors, stripes, chunk);
    this.maxIo = chunk;
    this.flushCopies = stripes;
    this.discardCopies = stripes;
    this.writeZeroesCopies = stripes;
    this.#begin = context.begin;
    this.#ports = destinations.map(({ device }) => device);
    this.#offsets = destinations.map(({ offset }) => offset);
    this.#errors = new Array<number>(stripes).fill(0);
    this.#event = context.event;
  }

  map(bio: Bio): MapResult {
    const { op } = bio;
    if (op > BioOp.Flush) return this.#mapShare(bio);
    const layout = this.#layout;
    if (op === BioOp.Flush) return this.#send(bio, bio.copy, 0);
    const sector = bio.sector - this.#begin;
    return this.#send(bio, layout.stripeOf(sector), layout.sectorOf(sector));
  }

  endIo(bio: Bio, stripe: number): EndResult {
    const { status } = bio;
    if (status > Status.Ok && status !== Status.NotSup) this.#countError(this.#ports[stripe]!);
    return EndResult.Done;
  }

  areas(): readonly Area[] {
    const count = this.#layout.share;
    return this.#ports.map((port, stripe) => ({ port, start: this.#offsets[stripe]!, count }));
  }

  table(): string {
    const destinations = this.#ports.map(
      ({ device }, stripe) => `${device.number} ${String(this.#offsets[stripe])}`,
    );
    return [this.#layout.stripes, this.#layout.chunk, ...destinations].join(' ');
  }

  /** `<stripes> <device>×stripes 1 <health>`: the 1 counts the words that follow; a stripe is A, or D after an error. */
  status(): string {
    const health = this.#errors.map((errors) => (errors > 0 ? 'D' : 'A')).join('');
    return [this.#layout.stripes, ...this.#ports.map(({ device }) => device.number), 1, health].join(' ');
  }

  /** Kernel: stripe_io_hints. */
  limits(stacked: Limits): Limits {
    const chunk = this.#layout.chunk * SECTOR_SIZE;
    const ioMin = Math.max(chunk, stacked.physicalBlock);
    return { ...stacked, ioMin, ioOpt: chunk * this.#layout.stripes };
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const first = sector - this.#begin;
    const end = first + count;
    const stripes = await Promise.all(this.#ports.map((_, stripe) => this.#extentsOf(stripe, first, end)));
    return interleave(this.#layout, stripes, first, end).map((extent) => this.#fromRow(extent));
  }

  /** Copy k of a wide request is stripe k's share, one run of sectors there. Kernel: stripe_map_range. */
  #mapShare(bio: Bio): MapResult {
    const { sector, copy } = bio;
    const layout = this.#layout;
    const start = layout.shareBefore(sector - this.#begin, copy);
    const count = layout.shareBefore(sector - this.#begin + bio.count, copy) - start;
    if (count === 0) {
      bio.complete(Status.Ok);
      return MapResult.Submitted;
    }
    bio.count = count;
    return this.#send(bio, copy, start);
  }

  #send(bio: Bio, stripe: number, sector: number): MapResult {
    bio.watch(this, stripe);
    bio.port = this.#ports[stripe]!;
    bio.sector = this.#offsets[stripe]! + sector;
    return MapResult.Remapped;
  }

  /** Like the kernel, which looks for the device of the failed request: a device that is two stripes marks both. */
  #countError(port: Port): void {
    let raises = false;
    for (let stripe = 0; stripe < this.#ports.length; stripe++) {
      if (this.#ports[stripe] !== port) continue;
      if (++this.#errors[stripe]! < EVENT_THRESHOLD) raises = true;
    }
    if (raises) this.#event();
  }

  /** Of what a stripe has of a range of the row; counted from the start of the stripe. */
  async #extentsOf(stripe: number, first: number, end: number): Promise<Extent[]> {
    const offset = this.#offsets[stripe]!;
    const start = this.#layout.shareBefore(first, stripe);
    const count = this.#layout.shareBefore(end, stripe) - start;
    if (count === 0) return [];
    const below = await this.#ports[stripe]!.extents(offset + start, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - offset }));
  }

  #fromRow(extent: Extent): Extent {
    return { ...extent, sector: this.#begin + extent.sector };
  }
}

/** Spreads a row over several devices, a chunk to each in turn. A failing device is marked in the status. */
export const striped: TargetType = defineTarget({
  name: 'striped',
  version: [1, 6, 0],
  ops: ALL_OPS,
  features: { flushBypassesMap: true },
  params: [
    {
      name: 'stripes',
      kind: 'uint',
      min: 1,
      max: MAX_NUMBER,
      error: 'Invalid stripe count',
      about: 'how many devices follow; the length of the row is a multiple',
    },
    {
      name: 'chunk',
      kind: 'uint',
      min: 1,
      max: MAX_NUMBER,
      error: 'Invalid chunk_size',
      about: 'sectors on one device before the next has its turn; the share of a device is a multiple',
    },
    {
      name: 'destinations',
      kind: 'repeat',
      times: 'stripes',
      error: 'Not enough destinations specified',
      about: 'the devices, in turn',
      of: [
        {
          name: 'device',
          kind: 'device',
          error: "Couldn't parse stripe destination",
          about: 'a device below',
        },
        {
          name: 'offset',
          kind: 'sector',
          error: "Couldn't parse stripe destination",
          about: 'its first sector that is used',
        },
      ],
    },
  ],
  countError: 'Not enough arguments',
  create: (context, args) => new Striped(context, args),
});
