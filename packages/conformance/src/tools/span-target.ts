import {
  ALL_OPS,
  type Area,
  type Bio,
  defineTarget,
  type Extent,
  MapResult,
  type Port,
  type Target,
  type TargetType,
} from '@interposer/core';

/** The kit's own plain target: `DEVICE START` puts its row on a run of sectors of a device. Type `span`. */
export const spanTarget: TargetType = defineTarget({
  name: 'span',
  version: [1, 0, 0],
  ops: ALL_OPS,
  features: { flushBypassesMap: true },
  params: [
    { name: 'device', kind: 'device', about: 'the device below', claim: 'claim' },
    { name: 'start', kind: 'sector', about: 'first sector there' },
    { name: 'claim', kind: 'claim', about: 'how the device is claimed', optional: true },
  ],
  create: ({ begin, sectors }, { device, start }) =>
    new Span(device, begin, { port: device, start, count: sectors }),
});

class Span implements Target {
  readonly #port: Port;
  readonly #area: Area;
  /** What to add to a sector of the mapped device. */
  readonly #shift: number;

  constructor(port: Port, begin: number, area: Area) {
    this.#port = port;
    this.#area = area;
    this.#shift = area.start - begin;
  }

  map(bio: Bio): MapResult {
    bio.port = this.#port;
    bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const below = await this.#port.extents(sector + this.#shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - this.#shift }));
  }

  areas(): readonly Area[] {
    return [this.#area];
  }

  table(): string {
    return `${this.#port.device.number} ${String(this.#area.start)}`;
  }
}
