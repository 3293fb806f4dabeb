import {
  type Bio,
  BioOp,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterType,
  type MetadataContext,
  opSet,
  PreResult,
  SECTOR_SIZE,
} from '@interposer/core';
import { Bitmaps } from './bitmaps.ts';
import { MOST_BLOCKS } from './dirty-bitmap.ts';
import { answerMessage } from './messages.ts';

const DEFAULT_NAME = 'dirty';
const DEFAULT_GRANULARITY = 65_536;
const LEAST_GRANULARITY = SECTOR_SIZE;
const MOST_GRANULARITY = 2 ** 24;

class DirtyFilter implements Filter {
  readonly #bitmaps: Bitmaps;

  /** `[name=<name>] [granularity=<size>]` */
  constructor(bitmaps: Bitmaps) {
    this.#bitmaps = bitmaps;
  }

  /** Marks before the write goes down: whoever reads the new data and then the bitmap finds it there. */
  pre(bio: Bio): PreResult {
    bio.cookie = this.#bitmaps.begin(bio.sector, bio.count);
    return PreResult.Watch;
  }

  post(_bio: Bio, cookie: number): EndResult {
    this.#bitmaps.end(cookie);
    return EndResult.Done;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  contexts(): readonly MetadataContext[] {
    return this.#bitmaps.contexts();
  }

  table(): string {
    const { name, live } = this.#bitmaps;
    return `name=${name} granularity=${String(live.granularity)}`;
  }

  /** `granularity=<bytes> blocks=<count> dirty=<count>`, and where some are frozen `frozen=<name>:<dirty>,...` */
  status(): string {
    const { live, frozen } = this.#bitmaps;
    const { granularity, blocks, dirty } = live;
    const status = `granularity=${String(granularity)} blocks=${String(blocks)} dirty=${String(dirty)}`;
    if (frozen.size === 0) return status;
    return `${status} frozen=${[...frozen].map(([name, bitmap]) => `${name}:${String(bitmap.dirty)}`).join(',')}`;
  }

  message(words: readonly string[]): string {
    return answerMessage(this.#bitmaps, words);
  }

  resume(): void {
    this.#bitmaps.fit();
  }

  detach(): void {
    this.#bitmaps.close();
  }
}

/** EINVAL for a granularity that is no power of two, and for one that makes too many blocks of a device. */
function checkGranularity(granularity: number, sectors: number): void {
  if (!Number.isInteger(Math.log2(granularity))) {
    throw fail('EINVAL', `filter dirty: granularity=${String(granularity)} is no power of two`);
  }
  const most = (MOST_BLOCKS * granularity) / SECTOR_SIZE;
  if (sectors <= most) return;
  throw fail(
    'EINVAL',
    `filter dirty: granularity=${String(granularity)} is for devices of at most ${String(most)} sectors, this one has ${String(sectors)}: take a larger one`,
  );
}

/** Tracks which blocks of a device were changed, for incremental backups. Passes all as it is; allocates nothing for a bio. */
export const dirty: FilterType = defineFilter({
  name: 'dirty',
  version: [1, 0, 0],
  altitude: '420000',
  ops: opSet(BioOp.Write, BioOp.Discard, BioOp.WriteZeroes),
  passes: opSet(BioOp.Read, BioOp.Flush),
  knowsIntegrity: true,
  params: [
    {
      name: 'options',
      kind: 'options',
      about: 'of the bitmap',
      of: [
        { name: 'name', kind: 'word', about: 'its name; dirty by default' },
        {
          name: 'granularity',
          kind: 'size',
          min: LEAST_GRANULARITY,
          max: MOST_GRANULARITY,
          about: 'bytes that each bit stands for, a power of two; 64K by default',
        },
      ],
    },
  ],
  attach: ({ port }, { options: { name = DEFAULT_NAME, granularity = DEFAULT_GRANULARITY } }) => {
    checkGranularity(granularity, port.limits.sectors);
    return new DirtyFilter(new Bitmaps(name, granularity, () => port.limits.sectors));
  },
});
