import type { Altitude } from './altitude.ts';
import type { Bio } from './bio.ts';
import type { Clock } from './clock.ts';
import { API_VERSION, type EndResult, type OpSet, type PreResult } from './constants.ts';
import type { MetadataContext } from './contexts.ts';
import type { Extent, ExtentSource } from './extents.ts';
import type { KeySource } from './key-ring.ts';
import type { Limits } from './limits.ts';
import type { ArgsOf, Param } from './params.ts';
import type { Port } from './port.ts';

/** One filter on one device: sees the bios of the device on their way down and, where it asks to, on their way up. */
export interface Filter {
  /** On the way down. Must not block; a filter that needs time answers `Taken` and goes on later. */
  pre(bio: Bio): PreResult;
  /** On the way up, for each bio that `pre` answered `Watch` for; `cookie` is what `pre` left in `bio.cookie`. */
  post?(bio: Bio, cookie: number): EndResult;
  /** Narrows what the device promises with this filter on it; called again after every edit below. */
  limits?(below: Limits): Limits;
  /** Allocation as seen above the filter. Absent: it changes data, so everything counts as allocated. */
  extents?(below: ExtentSource, sector: number, count: number): Promise<Extent[]>;
  /** What it publishes about ranges of its device, now; asked for each time anew. */
  contexts?(): readonly MetadataContext[];
  /** The arguments that would attach it again as it is now. Secrets only with `showKeys`. */
  table(showKeys: boolean): string;
  /** What a user may want to know of its state; one line. */
  status?(): string;
  /** A command from the user; the answer is shown. Throws EINVAL for words it does not know. */
  message?(words: readonly string[]): string | Promise<string>;
  /** The gate closed: let go of bios that are held back on purpose, or the drain waits for them. */
  presuspend?(): void;
  /** Its mapped device is suspended and drained. Not called for the moment in which an edit takes effect. */
  postsuspend?(): void | Promise<void>;
  /** Before its suspended mapped device goes on; may fail, and then the device stays suspended. */
  preresume?(): void | Promise<void>;
  /** The gate is about to open. */
  resume?(): void;
  /** A reason not to be detached now; undefined: go ahead. Not asked when the device vanished. */
  queryDetach?(): string | undefined;
  /**
   * About to go in order, with no bio inside its device: the last chance to write what it still holds, through its own port.
   * What it rejects with is the error of the edit, and it stays. Not called when it is forced out or the device vanished.
   */
  predetach?(): Promise<void>;
  /** Gone from the stack; no bio is with it. Frees what `attach` acquired. */
  detach?(): void | Promise<void>;
}

/** What a filter gets to know of its place. */
export interface FilterContext {
  /** Opens one altitude below the filter, on its own device: for bios it forwards and for I/O of its own. */
  readonly port: Port;
  readonly altitude: Altitude;
  readonly clock: Clock;
  /** The engine's key ring. */
  readonly keys: KeySource;
  readonly log: (message: string) => void;
  /** Raises an event on the device, as `interposer wait` sees it. */
  readonly event: () => void;
}

/** What an author writes about a filter type. */
export interface FilterSpec<P extends readonly Param[]> {
  readonly name: string;
  readonly version: readonly [number, number, number];
  /** Where it goes unless told otherwise. */
  readonly altitude: Altitude;
  /** Operations that `pre` understands. */
  readonly ops: OpSet;
  /** Operations that may go by it unseen. What is in neither set is answered NotSup: nothing slips past silently. */
  readonly passes?: OpSet;
  /**
   * Integrity data goes by with the bio, or `limits` says that there is none above. Any other type is not attached to a device
   * that keeps such data: whoever is above it relies on that.
   */
  readonly knowsIntegrity?: boolean;
  /** Drives the parser, its error texts and the documentation. */
  readonly params: P;
  /** Acquires everything that can fail. The filter is not in the path yet. */
  attach(context: FilterContext, args: ArgsOf<P>): Filter | Promise<Filter>;
}

/** A filter type as the registry knows it. */
export interface FilterType extends Omit<FilterSpec<readonly Param[]>, 'attach' | 'passes'> {
  readonly kind: 'filter';
  readonly api: number;
  readonly passes: OpSet;
  attach(context: FilterContext, args: Readonly<Record<string, unknown>>): Filter | Promise<Filter>;
}

/** Declares a filter type. */
export function defineFilter<const P extends readonly Param[]>(spec: FilterSpec<P>): FilterType {
  // The parser builds the arguments from the same params table, which is what makes the narrower signature true.
  return { passes: 0, ...spec, kind: 'filter', api: API_VERSION } as unknown as FilterType;
}
