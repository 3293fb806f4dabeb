import {
  type Bio,
  BioOp,
  defineFilter,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  opSet,
  PreResult,
  Status,
} from '@interposer/core';

/** What the parser makes of the filter's arguments. */
interface ErrorFilterArgs {
  readonly first: number | undefined;
  readonly count: number | undefined;
}

class ErrorFilter implements Filter {
  readonly #args: string;
  readonly #first: number;
  /** The sector behind the last. */
  readonly #end: number;

  /** `[<first> <count>]` */
  constructor({ port }: FilterContext, { first, count }: ErrorFilterArgs) {
    if (first !== undefined && count === undefined) {
      throw fail('EINVAL', 'filter error: count is missing; arguments: none, or <first> <count>');
    }
    const { name, limits } = port.device;
    this.#first = first ?? 0;
    this.#end = count === undefined ? Infinity : this.#first + count;
    this.#args = count === undefined ? '' : `${String(first)} ${String(count)}`;
    if (count !== undefined && this.#end > limits.sectors) {
      throw fail(
        'EINVAL',
        `filter error: sectors ${String(first)}+${String(count)} are not on ${name}, which has ${String(limits.sectors)}`,
      );
    }
  }

  /** A request that touches the range fails as a whole. */
  pre(bio: Bio): PreResult {
    if (bio.sector >= this.#end || bio.sector + bio.count <= this.#first) return PreResult.Pass;
    bio.result = Status.Io;
    return PreResult.Complete;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return this.#args;
  }
}

/**
 * Fails every read, write, discard and write-zeroes that touches a range of sectors, by default all; flushes pass. EINVAL
 * at attach where the range is not on the device.
 */
export const errorFilter: FilterType = defineFilter({
  name: 'error',
  version: [1, 0, 0],
  altitude: '140000',
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Discard, BioOp.WriteZeroes),
  passes: opSet(BioOp.Flush),
  params: [
    {
      name: 'first',
      kind: 'sector',
      optional: true,
      about: 'the first sector that fails; all fail by default',
    },
    {
      name: 'count',
      kind: 'sector',
      optional: true,
      min: 1,
      about: 'how many sectors fail, with `first` only',
    },
  ],
  attach: (context, args) => new ErrorFilter(context, args),
});
