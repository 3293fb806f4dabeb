/** An operation, by its name in `OP_NAMES` of core. */
export type ChaosOp = 'read' | 'write' | 'flush' | 'discard' | 'write-zeroes';

/** A run of sectors. */
export interface SectorRange {
  readonly first: number;
  readonly count: number;
}

/** Lengths of requests in sectors, both ends included. */
export interface LengthRange {
  readonly least: number;
  readonly most: number;
}

/** What a request carries: `plain` is one that carries neither of the others. */
export type ChaosFlag = 'fua' | 'no-unmap' | 'plain';

/** A request as a predicate sees it. One object for all requests: valid during the call only. */
export interface ChaosRequest {
  readonly op: ChaosOp;
  /** First sector; 0 for a flush. */
  readonly sector: number;
  /** Length in sectors; 0 for a flush. */
  readonly count: number;
  /** Bits of `BioFlag` of core. */
  readonly flags: number;
  /** Milliseconds of the engine's clock since the filter was attached or reset. */
  readonly time: number;
  /** Which of the requests this is that met all other conditions of the rule up to here; the first is 1. */
  readonly nth: number;
  /** The state that the filter is in. */
  readonly state: string;
}

/** What is done to a request. Times are milliseconds. */
export type ChaosAction =
  | {
      readonly kind: 'error';
      /** Name or number of an errno; `EIO` by default. */
      readonly code?: string | number;
    }
  | { readonly kind: 'stall' }
  | { readonly kind: 'break'; readonly tag: string }
  | { readonly kind: 'delay'; readonly ms: number }
  | {
      readonly kind: 'latency';
      /** Half of the requests take less. */
      readonly p50: number;
      /** 99 of 100 requests take less. */
      readonly p99: number;
      /** How many requests in a row take as long as the first of them; 1 by default. */
      readonly burst?: number;
    }
  | {
      readonly kind: 'torn';
      /** How many sectors from the first on reach the disk; at random by default. */
      readonly sectors?: number;
      /** Whether it is acknowledged as if whole; true by default. Otherwise it fails with EIO. */
      readonly ack?: boolean;
    }
  | { readonly kind: 'drop' }
  | { readonly kind: 'cache' }
  | {
      readonly kind: 'power-cut';
      /** How long the power is off; until the message `power-on` by default. */
      readonly for?: number;
      /** Percent of the writes in the cache that survive; 50 by default. */
      readonly keep?: number;
      /** Percent of the survivors of which only a part does; 10 by default. */
      readonly torn?: number;
    }
  | {
      readonly kind: 'misdirect';
      /** Sectors from the right place to the wrong one, or `random`, which it is by default. */
      readonly by?: number | 'random';
    }
  | {
      readonly kind: 'rot';
      /** How many bits are flipped; 1 by default. */
      readonly bits?: number;
      /** The byte of the request in which they are; anywhere by default. */
      readonly at?: number;
    }
  | { readonly kind: 'stale' }
  | { readonly kind: 'pass' }
  | { readonly kind: 'next' };

/**
 * One rule. What it says nothing about is not a condition. A request *meets* it if `on`, `state`, `sectors`, `count`,
 * `flags`, `from` and `until` hold; it *matches* if it meets it and `when` holds; the rule *fires* for a match if `after`,
 * `nth`, `every`, `times` and then `probability` allow it.
 */
export interface ChaosRule {
  /** Its number in messages and of its stream of random numbers; by default one more than the highest before it. */
  readonly id?: number;
  readonly on: readonly (ChaosOp | 'any')[];
  /** Only in one of these states. */
  readonly state?: string | readonly string[];
  /** Only requests that touch one of these sectors. Never a flush, which has none. */
  readonly sectors?: SectorRange;
  /** Only requests of such a length in sectors. Never a flush, which has none. */
  readonly count?: number | LengthRange;
  /** Only requests that carry all of these. */
  readonly flags?: readonly ChaosFlag[];
  /** Only from this moment on, in milliseconds since the filter was attached or reset. */
  readonly from?: number;
  /** Only before this moment. */
  readonly until?: number;
  /** Only requests for which this is true. A predicate that throws is a fault of the filter: its device is fenced. */
  readonly when?: (request: ChaosRequest) => boolean;
  /** Not for the first so many matches, which do not count for `nth` and `every` either. */
  readonly after?: number;
  /** Only for one match, counted from 1. */
  readonly nth?: number;
  /** Only for each so-manyth match. */
  readonly every?: number;
  /** At most so often. */
  readonly times?: number;
  /** So often, 0 to 1. */
  readonly probability?: number;
  readonly action: ChaosAction;
  /** The state that the filter is in when the rule has fired. */
  readonly newState?: string;
}
