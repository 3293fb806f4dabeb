import type { Bio } from './bio.ts';
import type { Clock } from './clock.ts';
import { API_VERSION, type MapResult } from './constants.ts';
import type { Extent } from './extents.ts';
import type { Limits } from './limits.ts';

/** What answers bios at the bottom of a device. Core has checked range, alignment, operation, mode and maximum size. */
export interface Driver {
  readonly limits: Limits;
  /**
   * Takes a bio: completes it exactly once, now or later, and returns `Submitted`. A write with `BioFlag.Fua` completes
   * when its data is on stable storage; a flush when everything completed before it is.
   */
  submit(bio: Bio): MapResult;
  /** Which sectors are allocated; absent: all of them. */
  extents?(sector: number, count: number): Promise<Extent[]>;
  /** The gate closed: let go of bios that are held back on purpose. */
  presuspend?(): void;
  /** The gate is about to open. */
  resume?(): void;
  /** The last user is gone; no bio is in flight. */
  close(): Promise<void>;
}

/** How a driver is to open what it is asked for. */
export interface OpenRequest {
  /** The words behind the scheme: a path, a size, the rest of a URI. */
  readonly spec: string;
  /** The scheme it was asked for by; empty for a plain path. */
  readonly scheme: string;
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** To be called once when what the device stands on is gone for good: the device is then taken down. */
  readonly lost: (reason: string) => void;
}

/** A kind of leaf device. */
export interface DriverType {
  readonly kind: 'driver';
  readonly api: number;
  readonly name: string;
  readonly version: readonly [number, number, number];
  /** `ram:64M` and `nbd://host/name` go to the driver that lists `ram` or `nbd`. */
  readonly schemes: readonly string[];
  /** Takes every name that has no scheme and is no device: the driver of plain paths. */
  readonly takesPaths?: boolean;
  /** Major number its devices show: that of the kernel's nearest kin (7 loop, 1 ram disk, 43 nbd). */
  readonly major: number;
  /**
   * Equal texts are one device, which is opened once and shared; undefined: each mention is a device of its own.
   * May touch the file system to find out. The text is also the device's name.
   */
  identify(spec: string, scheme: string): Promise<string | undefined>;
  open(request: OpenRequest): Promise<Driver>;
}

/** Declares a driver type. */
export function defineDriver(type: Omit<DriverType, 'kind' | 'api'>): DriverType {
  return { ...type, kind: 'driver', api: API_VERSION };
}
