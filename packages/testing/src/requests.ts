import {
  ALL_OPS,
  type Bio,
  BioFlag,
  codeOfErrno,
  defineFilter,
  EndResult,
  type ErrorCode,
  type Extent,
  type ExtentSource,
  type Filter,
  type FilterType,
  OP_NAMES,
  PreResult,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import type { OperationName } from './match.ts';

/** Requests that are kept; of more, the latest. */
const MOST = 65_536;

/** A request that a client made. */
export interface DiskRequest {
  /** The first request of the disk is 0. */
  readonly index: number;
  readonly op: OperationName;
  /** In bytes; 0 for a flush. */
  readonly offset: number;
  /** In bytes; 0 for a flush. */
  readonly length: number;
  /** A write that had to be on stable storage when it ended (Force Unit Access). */
  readonly fua: boolean;
  /** How it ended: `ok`, the code of its error, or `pending` if it has not. */
  readonly result: 'ok' | 'pending' | ErrorCode;
}

type Entry = { -readonly [Key in keyof DiskRequest]: DiskRequest[Key] };

/** The filter on top of a disk: keeps what clients asked for and what they got. */
export class RequestRecorder implements Filter {
  /** To attach it by. */
  readonly type: FilterType = defineFilter({
    name: 'requests',
    version: [1, 0, 0],
    altitude: '490000',
    ops: ALL_OPS,
    params: [],
    attach: () => this,
  });
  /** A ring: request N is at N modulo `MOST`. */
  readonly #entries: Entry[] = [];
  #count = 0;

  pre(bio: Bio): PreResult {
    const index = this.#count++;
    this.#entries[index % MOST] = {
      index,
      op: OP_NAMES[bio.op] as OperationName,
      offset: bio.sector * SECTOR_SIZE,
      length: bio.count * SECTOR_SIZE,
      fua: (bio.flags & BioFlag.Fua) !== 0,
      result: 'pending',
    };
    bio.cookie = index;
    return PreResult.Watch;
  }

  post({ status }: Bio, index: number): EndResult {
    const entry = this.#entries[index % MOST]!;
    // Its place may have been given to a later one.
    if (entry.index === index) entry.result = status === Status.Ok ? 'ok' : codeOfErrno(status);
    return EndResult.Done;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return '';
  }

  /** The requests so far, in the order in which they came: copies. */
  requests(): DiskRequest[] {
    const first = Math.max(0, this.#count - MOST);
    return Array.from({ length: this.#count - first }, (_, at) => ({
      ...this.#entries[(first + at) % MOST]!,
    }));
  }
}
