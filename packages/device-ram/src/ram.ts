import {
  type Bio,
  BioFlag,
  BioOp,
  defineDriver,
  type Driver,
  type DriverType,
  type Extent,
  type Limits,
  makeLimits,
  MapResult,
  Status,
} from '@interposer/core';
import { parseSize } from './size.ts';
import { CHUNK_SIZE, SparseMemory } from './sparse-memory.ts';

/** Every bio is complete when `submit` returns. */
class RamDriver implements Driver {
  readonly limits: Limits;
  readonly #memory = new SparseMemory();

  constructor(sectors: number, readOnly: boolean) {
    this.limits = makeLimits(sectors, { readOnly, discardGranularity: CHUNK_SIZE });
  }

  submit(bio: Bio): MapResult {
    bio.complete(this.#perform(bio));
    return MapResult.Submitted;
  }

  extents(sector: number, count: number): Promise<Extent[]> {
    return Promise.resolve(this.#memory.extents(sector, count));
  }

  close(): Promise<void> {
    this.#memory.clear();
    return Promise.resolve();
  }

  #perform(bio: Bio): Status {
    const { op, sector, count } = bio;
    if (op === BioOp.Read) {
      this.#memory.read(sector, count, bio.buffer, bio.bufferOffset);
      return Status.Ok;
    }
    if (op === BioOp.Flush) return Status.Ok;
    try {
      if (op === BioOp.Write) this.#memory.write(sector, count, bio.buffer, bio.bufferOffset);
      else if ((bio.flags & BioFlag.NoUnmap) !== 0) this.#memory.zeroAllocated(sector, count);
      else this.#memory.release(sector, count);
      return Status.Ok;
    } catch {
      // The one thing that can go wrong is that Node gets no memory for a chunk.
      return Status.NoMem;
    }
  }
}

/** `ram:SIZE`: zeroes at first, gone with its last user. Each mention is a device of its own. */
export const ram: DriverType = defineDriver({
  name: 'ram',
  version: [1, 0, 0],
  schemes: ['ram'],
  major: 1,
  identify: () => Promise.resolve(undefined),
  // A size that cannot be parsed rejects like any other failure to open.
  open: ({ spec, readOnly }) =>
    Promise.resolve(spec).then((size) => new RamDriver(parseSize(size), readOnly)),
});
