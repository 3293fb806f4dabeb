import type { DriverType, FilterType, PluginType, Port, TargetType } from '@interposer/core';

/**
 * What a device keeps of what is written. `kept`: reads return the last write. `zeroes`: writes vanish, reads return zeroes.
 * `error`: reads and writes fail with an I/O error.
 */
export type Content = 'kept' | 'zeroes' | 'error';

/** A sector of a lower device: its index among the devices of the table, and the sector there. */
export type Place = readonly [device: number, sector: number];

/** What the kit needs to know to try a target type. */
export interface TargetPlug {
  readonly type: TargetType;
  /** The arguments of a table line over these devices; by default made from the params table. */
  readonly table?: (devices: readonly string[]) => string;
  /** How many devices the arguments name; by default as many as the params table has device parameters. */
  readonly devices?: number;
  /** Length of the row in sectors, which must suit the arguments; 1024 by default. */
  readonly sectors?: number;
  /** Size of each device below; by default the length of the row and 64 more. */
  readonly deviceSectors?: number;
  /** `kept` by default. */
  readonly content?: Content;
  /** Where a sector of the row lies, counted from 0; absent: only that nothing outside the target's areas is touched is checked. */
  readonly place?: (sector: number) => Place;
  /** Further types that its arguments need. */
  readonly types?: readonly PluginType[];
}

/** A device to try a driver on. */
export interface DeviceUnderTest {
  /** As in `engine.open(spec)`: a path, or a scheme and what follows it. */
  readonly spec: string;
  /** Called when the case is over and the device is closed: removes files, stops servers. */
  readonly cleanup?: () => void | Promise<void>;
}

/** What the kit needs to know to try a driver type. */
export interface DevicePlug {
  readonly type: DriverType;
  /** Makes a new device of that many sectors, reading as zeroes, that shares nothing with those made before. */
  readonly create: (sectors: number) => DeviceUnderTest | Promise<DeviceUnderTest>;
  /** Size to ask for; 1024 by default. */
  readonly sectors?: number;
  /** Whether data outlives the device: still there when the same spec is opened again. False by default. */
  readonly persists?: boolean;
  /** Milliseconds after which a wait counts as a hang; 10,000 by default. */
  readonly timeout?: number;
}

/** What the kit needs to know to try a filter type. */
export interface FilterPlug {
  readonly type: FilterType;
  /** Its arguments; by default made from the params table. `devices` are names of spare disks of the same size. */
  readonly args?: (devices: readonly string[]) => string;
  /** Size of the device it is attached to; 1024 by default. */
  readonly sectors?: number;
  /** `kept` by default. */
  readonly content?: Content;
  /** Whether data below is the same as above, so that it stays readable without the filter. True by default. */
  readonly transparent?: boolean;
  /** Further types that its arguments need. */
  readonly types?: readonly PluginType[];
}

/** A client of a frontend that serves one port. Offsets and lengths are bytes, whole sectors of 512. Each call rejects when it fails. */
export interface FrontendClient {
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, data: Uint8Array, options?: { readonly fua?: boolean }): Promise<void>;
  flush(): Promise<void>;
  /** Left out where the protocol or frontend has no such request. */
  discard?(offset: number, length: number): Promise<void>;
  writeZeroes?(offset: number, length: number): Promise<void>;
  /** Ends the connection and the server. The port stays open: it is the kit's. Called once, also with requests under way. */
  close(): Promise<void>;
}

/** What the kit needs to know to try a frontend. */
export interface FrontendPlug {
  readonly name: string;
  /** Serves the port and connects a client to it. */
  readonly serve: (port: Port) => Promise<FrontendClient>;
  /** Size of the device; 1024 sectors by default. */
  readonly sectors?: number;
  /** Milliseconds after which a wait counts as a hang; 10,000 by default. */
  readonly timeout?: number;
}
