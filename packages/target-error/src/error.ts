import {
  type Area,
  BioOp,
  defineTarget,
  type Limits,
  MapResult,
  opSet,
  type Port,
  SECTOR_SIZE,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';

/** What the parser makes of a line's arguments. */
interface ErrorArgs {
  readonly device: Port | undefined;
  readonly offset: number | undefined;
}

/** Kernel: dm-target.c, io_err. */
class ErrorTarget implements Target {
  /** A flush has nothing to fail on. */
  readonly flushCopies = 0;
  readonly #areas: readonly Area[];

  /** `[<device>] [<offset>] [<ignored>...]` */
  constructor({ sectors }: TargetContext, { device, offset }: ErrorArgs) {
    this.#areas = device === undefined ? [] : [{ port: device, start: offset ?? 0, count: sectors }];
  }

  map(): MapResult {
    return MapResult.Kill;
  }

  areas(): readonly Area[] {
    return this.#areas;
  }

  /** Empty even where arguments were given, as in the kernel. */
  table(): string {
    return '';
  }

  /** Kernel: io_err_io_hints. The limits are those of the device, but for discards: these fail without its help. */
  limits(stacked: Limits): Limits {
    return { ...stacked, discardGranularity: Math.max(SECTOR_SIZE, stacked.physicalBlock) };
  }
}

/** Fails every read, write and discard. May take the place of any target, also of an immutable one. */
export const error: TargetType = defineTarget({
  name: 'error',
  version: [1, 7, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  features: { wildcard: true },
  params: [
    {
      name: 'device',
      kind: 'device',
      optional: true,
      about: 'a device whose limits this one is to have; nothing is sent to it',
    },
    {
      name: 'offset',
      kind: 'sector',
      optional: true,
      error: 'Invalid device sector',
      about: 'a sector of the device, 0 by default: so much behind it as the row is long must exist',
    },
    { name: 'ignored', kind: 'rest', optional: true, about: 'any further words' },
  ],
  create: (context, args) => new ErrorTarget(context, args),
});
