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
import type { Origin } from './origin.ts';
import { originOf } from './origins.ts';

/** What the parser makes of a line's arguments. */
interface OriginArgs {
  readonly origin: Port;
}

/** A device with snapshots: what writes to it change is copied out first. Kernel: origin_map in dm-snap.c. */
class SnapshotOrigin implements Target {
  readonly #begin: number;
  readonly #sectors: number;
  readonly #port: Port;
  readonly #origin: Origin;

  /** `<origin>` */
  constructor({ begin, sectors }: TargetContext, { origin }: OriginArgs) {
    this.#begin = begin;
    this.#sectors = sectors;
    this.#port = origin;
    this.#origin = originOf(origin.device);
  }

  map(bio: Bio): MapResult {
    bio.port = this.#port;
    if (bio.op !== BioOp.Write) return MapResult.Remapped;
    return this.#origin.admit(bio) ? MapResult.Remapped : MapResult.Submitted;
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#begin, count: this.#sectors }];
  }

  table(): string {
    return this.#port.device.number;
  }

  extents(sector: number, count: number): Promise<Extent[]> {
    return this.#port.extents(sector, count);
  }
}

/** The target type of a device that has snapshots; sectors are those of the device below, wherever the row begins. */
export const snapshotOrigin: TargetType = defineTarget({
  name: 'snapshot-origin',
  version: [1, 9, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush),
  params: [{ name: 'origin', kind: 'device', error: 'Cannot get target device', about: 'the device below' }],
  countError: 'origin: incorrect number of arguments',
  create: (context, args) => new SnapshotOrigin(context, args),
});
