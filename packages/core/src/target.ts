import type { OpenDevice } from './args.ts';
import type { Bio } from './bio.ts';
import type { Clock } from './clock.ts';
import { API_VERSION, type MapResult, type OpSet } from './constants.ts';
import type { Progress } from './control.ts';
import type { Extent } from './extents.ts';
import type { KeySource } from './key-ring.ts';
import type { Limits } from './limits.ts';
import type { ArgsOf, Param } from './params.ts';
import type { Port } from './port.ts';

/** A part of an underlying device that a target uses. */
export interface Area {
  readonly port: Port;
  readonly start: number;
  readonly count: number;
}

/** One row of a mapped device's table. */
export interface Target {
  /**
   * Synchronous. `bio.sector` counts from the start of the mapped device. To see the completion push a frame with
   * `bio.watch`. Core has split the bio at the row's ends and at `maxIo`.
   */
  map(bio: Bio): MapResult;
  /** Everything it uses below, for checks of size and alignment, limits and dependencies. */
  areas(): readonly Area[];
  /** Its arguments, in a form that builds it again. Secrets only with `showKeys`. */
  table(showKeys: boolean): string;
  /** Its state; empty where it has none. */
  status?(): string;
  /** How far it is with what it does by itself; undefined where it does nothing. */
  progress?(): Progress | undefined;
  message?(words: readonly string[]): string | Promise<string>;
  /** No bio crosses a multiple of so many sectors, counted from the start of the row. */
  readonly maxIo?: number;
  /** How many copies of each it wants, numbered in `bio.copy`; 0: flushes end here, the others are not supported. Default 1. */
  readonly flushCopies?: number;
  readonly discardCopies?: number;
  readonly writeZeroesCopies?: number;
  /** Narrows the device's limits after those of the areas are stacked (the kernel's io_hints). */
  limits?(stacked: Limits): Limits;
  extents?(sector: number, count: number): Promise<Extent[]>;
  /** Before the drain of a suspend: let go of bios that are held back on purpose. */
  presuspend?(): void;
  /**
   * Drained. A suspend, or the next table, waits for what it answers: what goes on without a bio of the device ends here. If
   * that takes longer than a drain may, `resume` follows and the table stays at work.
   */
  postsuspend?(): void | Promise<void>;
  /** Before the gate opens; may fail, and then the device stays suspended. */
  preresume?(): void | Promise<void>;
  resume?(): void;
  /** Out of use for good; its ports are closed by core. */
  close?(): void | Promise<void>;
}

/** What a target gets to know of its place. */
export interface TargetContext {
  /** First sector of its row. */
  readonly begin: number;
  /** Sectors of its row. */
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly clock: Clock;
  /** The engine's key ring. */
  readonly keys: KeySource;
  readonly log: (message: string) => void;
  /** Raises an event on the mapped device, as `interposer wait` sees it. */
  readonly event: () => void;
  /**
   * Opens a device that the params table cannot declare, because other arguments tell which word it is. Core closes the
   * port, with the table or if `create` fails. ENOTSUP for a target that serves as a filter.
   */
  readonly open: OpenDevice;
}

/** Properties of a target type, as the kernel has them. */
export interface TargetFeatures {
  /** Must be the only row of its table. */
  readonly singleton?: boolean;
  /** Cannot be in a read-only table. */
  readonly alwaysWriteable?: boolean;
  /** Can be replaced by its own kind, or a wildcard, only. */
  readonly immutable?: boolean;
  /** May replace an immutable target. */
  readonly wildcard?: boolean;
  /** A flush needs no mapping: core sends one to each underlying device. */
  readonly flushBypassesMap?: boolean;
  /**
   * Integrity data goes on with the bio to a block of the device below, and comes from there: where all rows of a table and all
   * they use keep as much beside a block, so does the mapped device. Kernel: DM_TARGET_PASSES_INTEGRITY.
   */
  readonly passesIntegrity?: boolean;
}

/** What an author writes about a target type. */
export interface TargetSpec<P extends readonly Param[]> {
  readonly name: string;
  readonly version: readonly [number, number, number];
  readonly ops: OpSet;
  readonly features?: TargetFeatures;
  /** Drives the table parser, its error texts and the documentation. */
  readonly params: P;
  /** The kernel's texts for a wrong number of arguments, where the type has its own. */
  readonly countError?: string;
  create(context: TargetContext, args: ArgsOf<P>): Target | Promise<Target>;
}

/** A target type as the registry knows it. */
export interface TargetType extends Omit<TargetSpec<readonly Param[]>, 'create' | 'features'> {
  readonly kind: 'target';
  readonly api: number;
  readonly features: TargetFeatures;
  create(context: TargetContext, args: Readonly<Record<string, unknown>>): Target | Promise<Target>;
}

/** Declares a target type. */
export function defineTarget<const P extends readonly Param[]>(spec: TargetSpec<P>): TargetType {
  // The parser builds the arguments from the same params table, which is what makes the narrower signature true.
  return { features: {}, ...spec, kind: 'target', api: API_VERSION } as unknown as TargetType;
}
