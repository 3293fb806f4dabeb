import {
  type Bio,
  BioOp,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  opSet,
  PreResult,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';

/** What the parser makes of the words behind the filter's name; the params table below says how. */
interface PluginNameArgs {
  readonly options: { readonly limit?: number } | undefined;
}

/** One filter on one device. Core makes it when a user attaches it, and forgets it when it is detached. */
class PluginNameFilter implements Filter {
  readonly #context: FilterContext;
  /** Bytes that may be written. */
  #limit: number;
  /** Bytes that were written, and those that are on their way. */
  #written = 0;
  /** Requests that were refused. */
  #refused = 0;

  constructor(context: FilterContext, { options }: PluginNameArgs) {
    this.#context = context;
    this.#limit = options?.limit ?? Infinity;
  }

  /**
   * Sees each bio on its way down, before anything below it does. It must not block, and should not allocate: this runs for
   * every request. Only the operations in `ops` come here.
   */
  pre(bio: Bio): PreResult {
    const bytes = bio.count * SECTOR_SIZE;
    if (this.#written + bytes > this.#limit) return this.#refuse(bio);
    // Counted now and not when it is done: many bios may be on their way at once.
    this.#written += bytes;
    // A number that `post` gets back. To let a bio go without seeing it again, answer `Pass`.
    bio.cookie = bytes;
    return PreResult.Watch;
  }

  /** Sees the bio on its way up. `bio.status` says how it went, and may be changed here. */
  post(bio: Bio, bytes: number): EndResult {
    if (bio.status !== Status.Ok) this.#written -= bytes;
    return EndResult.Done;
  }

  /** Data stays as it is, so what is a hole below is a hole above. Leave this out where the filter changes data. */
  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  /** The arguments that would attach the filter as it is now: a message may have changed them. */
  table(): string {
    return this.#limit === Infinity ? '' : `limit=${String(this.#limit)}`;
  }

  /** One line, shown by `interposer filter ls`. */
  status(): string {
    return `written=${String(this.#written)} refused=${String(this.#refused)}`;
  }

  /** `interposer filter message DEV plugin-name WORD...` ends up here. What it returns is shown. */
  message([word, value = '', ...more]: readonly string[]): string {
    if (word !== 'limit' || more.length > 0 || !/^(?:\d+|none)$/.test(value)) {
      throw fail('EINVAL', 'filter plugin-name: the one message is: limit BYTES, or limit none');
    }
    this.#limit = value === 'none' ? Infinity : Number(value);
    return '';
  }

  #refuse(bio: Bio): PreResult {
    // An event wakes those who wait for one with `interposer wait`.
    if (this.#refused === 0) this.#context.event();
    this.#refused++;
    bio.result = Status.NoSpc;
    return PreResult.Complete;
  }
}

/** Counts what is written to a device, and refuses writes beyond a limit with `ENOSPC`. */
export const pluginNameFilter: FilterType = defineFilter({
  name: 'plugin-name',
  version: [1, 0, 0],
  // Between two whole numbers, where no filter of Interposer itself stands.
  altitude: 'PLUGIN_ALTITUDE',
  // What `pre` understands, and what may go by unseen. An operation in neither is answered "not supported": one that a
  // later version of Interposer adds cannot slip past a filter that does not know it.
  ops: opSet(BioOp.Write, BioOp.WriteZeroes),
  passes: opSet(BioOp.Read, BioOp.Flush, BioOp.Discard),
  // Core parses the user's words by this table, and tells what is wrong with them.
  params: [
    {
      name: 'options',
      kind: 'options',
      optional: true,
      about: 'what to refuse',
      of: [
        { name: 'limit', kind: 'size', about: 'bytes that may be written, e.g. 64M; no limit by default' },
      ],
    },
  ],
  // Whatever can fail belongs here: the filter is not in the path yet.
  attach: (context, args) => new PluginNameFilter(context, args),
});
