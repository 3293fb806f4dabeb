import {
  type Area,
  type Bio,
  BioOp,
  defineTarget,
  type Extent,
  MapResult,
  opSet,
  type Port,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { classOf, DelayQueue } from './delay-queue.ts';

/** The most milliseconds: an unsigned int of the kernel. */
const MAX_DELAY = 2 ** 32 - 1;

/** What the parser makes of a line's arguments: three words each, of which the later ones may be missing. */
interface DelayArgs {
  readonly device: Port;
  readonly offset: number;
  readonly delay: number;
  readonly write_device: Port | undefined;
  readonly write_offset: number | undefined;
  readonly write_delay: number | undefined;
  readonly flush_device: Port | undefined;
  readonly flush_offset: number | undefined;
  readonly flush_delay: number | undefined;
}

/** Where the bios of a class go, and how much later, in milliseconds. */
interface Leg {
  readonly port: Port;
  readonly offset: number;
  readonly delay: number;
}

/** The one to three legs a line names. */
function legsOf(args: DelayArgs): readonly Leg[] {
  const legs: Leg[] = [{ port: args.device, offset: args.offset, delay: args.delay }];
  if (args.write_device !== undefined)
    legs.push({ port: args.write_device, offset: args.write_offset!, delay: args.write_delay! });
  if (args.flush_device !== undefined)
    legs.push({ port: args.flush_device, offset: args.flush_offset!, delay: args.flush_delay! });
  return legs;
}

/** Kernel: dm-delay.c. */
class Delay implements Target {
  readonly #begin: number;
  readonly #sectors: number;
  readonly #legs: readonly Leg[];
  /** By class: reads, writes, flushes. A class without a leg of its own has that of the class before it. */
  readonly #legOf: readonly [Leg, Leg, Leg];
  readonly #queue: DelayQueue;

  /** `<device> <offset> <delay> [<write_device> <write_offset> <write_delay> [<flush_device> <flush_offset> <flush_delay>]]` */
  constructor({ begin, sectors, clock }: TargetContext, args: DelayArgs) {
    this.#begin = begin;
    this.#sectors = sectors;
    this.#legs = legsOf(args);
    const [reads, writes = reads!, flushes = writes] = this.#legs;
    this.#legOf = [reads!, writes, flushes];
    this.#queue = new DelayQueue(clock, [reads!.delay, writes.delay, flushes.delay]);
  }

  map(bio: Bio): MapResult {
    const { port, offset } = this.#legOf[classOf(bio.op)]!;
    bio.port = port;
    // A flush has no place.
    if (bio.op !== BioOp.Flush) bio.sector += offset - this.#begin;
    return this.#queue.hold(bio) ? MapResult.Submitted : MapResult.Remapped;
  }

  areas(): readonly Area[] {
    return this.#legs.map(({ port, offset }) => ({ port, start: offset, count: this.#sectors }));
  }

  /** As many words as were given. */
  table(): string {
    return this.#legs
      .map(({ port, offset, delay }) => `${port.device.number} ${String(offset)} ${String(delay)}`)
      .join(' ');
  }

  /** Bios that wait: `<reads> <writes> <flushes>`. */
  status(): string {
    return this.#queue.status();
  }

  /** Those of the device that reads go to. */
  async extents(sector: number, count: number): Promise<Extent[]> {
    const { port, offset } = this.#legOf[0];
    const shift = offset - this.#begin;
    const below = await port.extents(sector + shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - shift }));
  }

  presuspend(): void {
    this.#queue.letGo();
  }

  resume(): void {
    this.#queue.resume();
  }

  close(): void {
    this.#queue.close();
  }
}

/** Sends reads, writes and flushes on after a delay each, to one device or to different ones. */
export const delay: TargetType = defineTarget({
  name: 'delay',
  version: [1, 4, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  params: [
    { name: 'device', kind: 'device', about: 'the device below; for reads only if further devices follow' },
    {
      name: 'offset',
      kind: 'sector',
      error: 'Invalid device sector',
      about: 'its first sector that is used',
    },
    {
      name: 'delay',
      kind: 'uint',
      max: MAX_DELAY,
      error: 'Invalid delay',
      about: 'how much later requests go there, in milliseconds; 0: at once',
    },
    {
      name: 'write_device',
      kind: 'device',
      optional: true,
      about: 'the device for writes, discards and, unless a third follows, flushes',
    },
    {
      name: 'write_offset',
      kind: 'sector',
      error: 'Invalid device sector',
      about: 'its first sector that is used',
    },
    {
      name: 'write_delay',
      kind: 'uint',
      max: MAX_DELAY,
      error: 'Invalid delay',
      about: 'their delay in milliseconds',
    },
    { name: 'flush_device', kind: 'device', optional: true, about: 'the device for flushes' },
    {
      name: 'flush_offset',
      kind: 'sector',
      error: 'Invalid device sector',
      about: 'a sector of it: so much behind it as the row is long must exist',
    },
    {
      name: 'flush_delay',
      kind: 'uint',
      max: MAX_DELAY,
      error: 'Invalid delay',
      about: 'their delay in milliseconds',
    },
  ],
  countError: 'Requires exactly 3, 6 or 9 arguments',
  create: (context, args) => new Delay(context, args),
});
