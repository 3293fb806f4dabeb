import {
  ALL_OPS,
  type Area,
  type Bio,
  defineTarget,
  type Extent,
  MapResult,
  type Port,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';

/** What the parser makes of a line's arguments. */
interface LinearArgs {
  readonly device: Port;
  readonly offset: number;
}

/** Kernel: dm-linear.c. */
class Linear implements Target {
  readonly #port: Port;
  readonly #offset: number;
  readonly #sectors: number;
  /** From a sector of the mapped device to the same one below. */
  readonly #shift: number;

  /** `<device> <offset> [excl|noexcl]` */
  constructor({ begin, sectors }: TargetContext, { device, offset }: LinearArgs) {
    this.#port = device;
    this.#offset = offset;
    this.#sectors = sectors;
    this.#shift = offset - begin;
  }

  map(bio: Bio): MapResult {
    bio.port = this.#port;
    bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#offset, count: this.#sectors }];
  }

  /** The claim is not shown, as in the kernel patch that brought it. */
  table(): string {
    return `${this.#port.device.number} ${String(this.#offset)}`;
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const below = await this.#port.extents(sector + this.#shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - this.#shift }));
  }
}

/** Maps a run of sectors onto a run of sectors of another device. Everything the device takes goes through. */
export const linear: TargetType = defineTarget({
  name: 'linear',
  version: [1, 4, 0],
  ops: ALL_OPS,
  features: { flushBypassesMap: true, passesIntegrity: true },
  params: [
    { name: 'device', kind: 'device', claim: 'claim', about: 'the device below' },
    {
      name: 'offset',
      kind: 'sector',
      error: 'Invalid device sector',
      about: 'its first sector that is used',
    },
    {
      name: 'claim',
      kind: 'claim',
      optional: true,
      error: 'Invalid exclusive option',
      about: 'whether others may have the device open for themselves; `excl` by default',
    },
  ],
  countError: 'Invalid argument count',
  create: (context, args) => new Linear(context, args),
});
