import {
  type Bio,
  BioOp,
  defineDriver,
  type Driver,
  type DriverType,
  type Limits,
  makeLimits,
  MapResult,
  type OpenRequest,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { parseSpec } from './parse-spec.ts';

// The source of a write may be any Uint8Array, which has no copy of its own. Node's takes offsets, so that no view is made.
const bufferPrototype = Buffer.prototype as Buffer;

/** One open device. Core makes it for its first user and closes it after its last. */
class PluginNameDriver implements Driver {
  readonly limits: Limits;
  readonly #data: Buffer;
  readonly #pattern: number;

  /** Whatever can fail belongs in `open` below: a device that exists works. */
  constructor(sectors: number, pattern: number, readOnly: boolean) {
    // What the device can do. Core checks each bio against it before it comes here, and splits those that are too large.
    this.limits = makeLimits(sectors, { readOnly });
    this.#data = Buffer.alloc(sectors * SECTOR_SIZE, pattern);
    this.#pattern = pattern;
  }

  /**
   * Takes a bio and completes it exactly once: here at once. A driver that has to wait returns `Submitted` all the same and
   * calls `bio.complete` later, from a callback; until then the bio and its buffer are the driver's.
   */
  submit(bio: Bio): MapResult {
    bio.complete(this.#serve(bio));
    return MapResult.Submitted;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Copies between the disk and the data window: `count * 512` bytes of `bio.buffer`, from `bio.bufferOffset`. */
  #serve(bio: Bio): Status {
    const { buffer, bufferOffset } = bio;
    const start = bio.sector * SECTOR_SIZE;
    const end = start + bio.count * SECTOR_SIZE;
    switch (bio.op) {
      case BioOp.Read:
        this.#data.copy(buffer, bufferOffset, start, end);
        return Status.Ok;
      case BioOp.Write:
        bufferPrototype.copy.call(buffer, this.#data, start, bufferOffset, bufferOffset + end - start);
        return Status.Ok;
      case BioOp.WriteZeroes:
        this.#data.fill(0, start, end);
        return Status.Ok;
      case BioOp.Discard:
        // What a discarded sector holds is nobody's business: here it is as new.
        this.#data.fill(this.#pattern, start, end);
        return Status.Ok;
      case BioOp.Flush:
        return Status.Ok;
      default:
        return Status.NotSup;
    }
  }
}

/** `plugin-name:SIZE[,BYTE]`: a disk in memory, each sector full of the byte until it is written. Gone with its last user. */
export const pluginNameDevice: DriverType = defineDriver({
  name: 'plugin-name',
  version: [1, 0, 0],
  // `plugin-name:...` in a table line or on the command line comes here.
  schemes: ['plugin-name'],
  // Shown in device numbers: that of a RAM disk, the nearest kin in the kernel.
  major: 1,
  // Equal texts would be one device, shared. Undefined: each mention is a device of its own.
  identify: () => Promise.resolve(undefined),
  open: (request) => open(request),
});

/** Rejects with EINVAL for a spec that makes no sense. */
async function open({ spec, readOnly }: OpenRequest): Promise<Driver> {
  const { sectors, pattern } = parseSpec(spec);
  return new PluginNameDriver(sectors, pattern, readOnly);
}
