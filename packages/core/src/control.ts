import type { Extent } from './extents.ts';
import type { KeyType } from './key-ring.ts';

/** Options of `create`. */
export interface CreateOptions {
  /** The table's text; absent: no table yet. */
  readonly table?: string;
  /** Where the text is from, for messages: a path, or `on stdin`. */
  readonly source?: string;
  readonly uuid?: string;
  readonly readOnly?: boolean;
  readonly minor?: number;
}

/** A line of `table` or `status`. */
export interface TableRow {
  readonly start: number;
  readonly length: number;
  readonly type: string;
  /** The target's arguments, or its state. */
  readonly params: string;
}

/** How far a target is with what it does by itself, such as a resync or a merge. */
export interface Progress {
  /** What it does, in one word. */
  readonly activity: string;
  /** Sectors done, of `total`: as many when it is over. */
  readonly done: number;
  readonly total: number;
  /** Why it does not go on, where it does not. */
  readonly failure?: string;
}

/** The progress of the target of a row. */
export interface ProgressRow extends Progress {
  readonly start: number;
  readonly length: number;
  readonly type: string;
}

/** What `info` tells. */
export interface DeviceInfo {
  readonly name: string;
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
  readonly suspended: boolean;
  readonly readOnly: boolean;
  readonly deferredRemove: boolean;
  readonly live: boolean;
  readonly inactive: boolean;
  readonly openCount: number;
  readonly eventNr: number;
  /** Lines of the live table. */
  readonly targets: number;
  /** Size in sectors. */
  readonly sectors: number;
  /** Set when a plugin broke its contract and the device is fenced. */
  readonly fault?: string;
}

/** A device by its number and name. */
export interface DeviceRef {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

/** A type that can be used in a table, as a filter, or to open a device. */
export interface TypeInfo {
  readonly kind: 'target' | 'filter' | 'driver';
  readonly name: string;
  readonly version: readonly [number, number, number];
}

/** A filter in a device's stack. */
export interface FilterInfo {
  readonly device: string;
  readonly type: string;
  readonly altitude: string;
  readonly args: string;
  readonly status: string;
}

/** What went through a layer since it is there. */
export interface LayerCounters {
  /** Bios that reached it. */
  readonly bios: number;
  /** Mean time of its own code per bio in nanoseconds, from a sample; undefined while there is none. */
  readonly cost?: number;
}

/** A filter on the path of a bio. */
export interface PathFilter extends FilterInfo {
  readonly counters: LayerCounters;
  /** Where its own bios go beside the device it is on: the mapped device of a remap, for example. */
  readonly others: readonly PathNode[];
}

/** A step on the path of a bio through a device, and the devices below. */
export interface PathNode {
  readonly device: DeviceRef;
  readonly sectors: number;
  /** The altitude below which bios enter here; absent: at the top. */
  readonly below?: string;
  /** Bios that entered the device, wherever they did. */
  readonly counters: LayerCounters;
  /** Bios inside it now. */
  readonly inflight: number;
  readonly filters: readonly PathFilter[];
  /** The driver at the bottom, if the device is no mapped one. */
  readonly driver?: string;
  /** The rows of a mapped device with what they use. */
  readonly rows: readonly {
    readonly row: TableRow;
    readonly counters: LayerCounters;
    readonly below: readonly PathNode[];
  }[];
}

/** Any device of an engine, as `device ls` shows it. */
export interface DeviceSummary extends DeviceRef {
  /** Type of the driver; `table` for a mapped device. */
  readonly driver: string;
  readonly sectors: number;
  readonly readOnly: boolean;
  /** How many have it open, its own filters aside. */
  readonly openCount: number;
  readonly filters: number;
}

/** A mapped device that stands in for a live one. */
export interface RemapInfo {
  readonly mapped: string;
  readonly device: string;
  readonly altitude: string;
}

/** New devices whose name matches get the filter before their first bio. */
export interface FilterRule {
  readonly id: number;
  /** A device name in which `*` stands for any characters and `?` for one. */
  readonly pattern: string;
  /** `TYPE[@ALTITUDE] ARGS` */
  readonly filter: string;
}

/** One step of a transaction. Filters that go are named by type, by altitude, or by both as `TYPE@ALTITUDE`. */
export type Edit =
  | { readonly kind: 'attach'; readonly device: string; readonly filter: string }
  | { readonly kind: 'detach'; readonly device: string; readonly filter: string }
  /** `new` is `TYPE[@ALTITUDE] ARGS`; without an altitude it takes that of `old`. */
  | { readonly kind: 'swap'; readonly device: string; readonly old: string; readonly new: string }
  /** Another table for a mapped device, live at once. */
  | { readonly kind: 'reload'; readonly device: string; readonly table: string; readonly source?: string }
  | {
      readonly kind: 'remap-start';
      readonly mapped: string;
      readonly device: string;
      readonly altitude?: string;
    }
  | { readonly kind: 'remap-finish'; readonly mapped: string };

/** What may be told of a key of the ring: everything but the key. */
export interface KeyInfo {
  readonly type: KeyType;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** What happened to an engine's devices. */
export type EngineEvent =
  | { readonly kind: 'fault'; readonly device: string; readonly culprit: string; readonly message: string }
  /** A device is gone though it was in use: its backend was lost, or somebody yanked it. */
  | { readonly kind: 'lost'; readonly device: string; readonly message: string }
  | { readonly kind: 'log'; readonly message: string };

/**
 * Everything a user can do to an engine, by names and plain data: the same in process and over a control socket. Names are
 * those of mapped devices; a DEV may also be a number `major:minor`, a path, or whatever a driver takes. Each verb rejects
 * with an `InterposerError`: ENXIO where there is no such device.
 */
export interface Control {
  create(name: string, options?: CreateOptions): Promise<DeviceInfo>;
  load(
    name: string,
    table: string,
    options?: { readonly readOnly?: boolean; readonly source?: string },
  ): Promise<void>;
  clear(name: string): Promise<void>;
  suspend(name: string, options?: { readonly noflush?: boolean }): Promise<void>;
  resume(name: string, options?: { readonly noflush?: boolean }): Promise<void>;
  remove(name: string, options?: { readonly force?: boolean; readonly deferred?: boolean }): Promise<void>;
  rename(name: string, newName: string): Promise<void>;
  setUuid(name: string, uuid: string): Promise<void>;
  /** To the target at a sector; words that begin with `@` are for core. The answer may be empty. */
  message(name: string, sector: number, words: readonly string[]): Promise<string>;
  /** Resolves with the event number as soon as it is another than the given one. */
  wait(name: string, eventNr: number): Promise<number>;
  table(
    name: string,
    options?: { readonly inactive?: boolean; readonly showKeys?: boolean },
  ): Promise<TableRow[]>;
  status(name: string, options?: { readonly inactive?: boolean }): Promise<TableRow[]>;
  /** Of the rows of the live table whose target does something by itself. */
  progress(name: string): Promise<ProgressRow[]>;
  info(name: string): Promise<DeviceInfo>;
  deps(name: string, options?: { readonly inactive?: boolean }): Promise<DeviceRef[]>;
  /** Mapped devices in order of name. */
  list(): Promise<DeviceRef[]>;
  types(): Promise<TypeInfo[]>;
  /**
   * Keeps a key in the engine's ring, for tables and filters that name it as `:SIZE:TYPE:NAME`, in place of one of the same
   * type and name. EINVAL for a type, name or key that cannot be.
   */
  addKey(type: KeyType, name: string, key: Uint8Array): Promise<void>;
  /** Wipes a key of the ring; devices that have read it keep it. ENOKEY if there is none. */
  removeKey(type: KeyType, name: string): Promise<void>;
  /** The keys of the ring without their bytes, in the order they came. */
  keys(): Promise<KeyInfo[]>;
  attachFilter(device: string, spec: string): Promise<FilterInfo>;
  detachFilter(device: string, which: string, options?: { readonly force?: boolean }): Promise<void>;
  /** One filter takes the place of another in one step, at its altitude unless it names one. */
  swapFilter(device: string, old: string, spec: string): Promise<FilterInfo>;
  /** Of one device, or of all. Keys in their arguments are shown with `showKeys` only. */
  filters(device?: string, options?: { readonly showKeys?: boolean }): Promise<FilterInfo[]>;
  messageFilter(device: string, which: string, words: readonly string[]): Promise<string>;
  /** Devices that come from now on get the filter if their name matches. EINVAL for a filter that cannot be. */
  addRule(pattern: string, filter: string): Promise<FilterRule>;
  /** Devices that are there keep what they have. ENOENT if there is no such rule. */
  removeRule(id: number): Promise<void>;
  /** Keys in them are shown with `showKeys` only. */
  rules(options?: { readonly showKeys?: boolean }): Promise<FilterRule[]>;
  /** From now on every bio of a live device goes to a mapped device; whoever has it open notices nothing. */
  startRemap(mapped: string, device: string, options?: { readonly altitude?: string }): Promise<RemapInfo>;
  finishRemap(mapped: string): Promise<void>;
  remaps(): Promise<RemapInfo[]>;
  /** All edits in one closing of the gates, or none of them. */
  transaction(edits: readonly Edit[]): Promise<void>;
  /** Any device that exists now. */
  listDevices(): Promise<DeviceSummary[]>;
  /** The device is gone: what is in flight and what comes fails with ENODEV, its filters go lowest first. */
  yank(device: string): Promise<void>;
  explain(device: string): Promise<PathNode>;
  extents(device: string, sector: number, count: number): Promise<Extent[]>;
  read(device: string, sector: number, count: number): Promise<Uint8Array>;
  write(device: string, sector: number, data: Uint8Array): Promise<void>;
  flush(device: string): Promise<void>;
  discard(device: string, sector: number, count: number): Promise<void>;
  zero(device: string, sector: number, count: number): Promise<void>;
}
