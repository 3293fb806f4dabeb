import { API_VERSION, type Driver, type DriverType, fail, type OpenRequest } from '@interposer/core';
import { ChaosDisk, type ChaosOptions } from './chaos-disk.ts';
import { type DiskOptions, MemoryDisk } from './memory-disk.ts';

/** A driver type over disks that the test makes, keeps in hand and looks into: `memory:a` is the disk that was added as `a`. */
export class DiskDriver<Disk extends MemoryDisk, Options extends DiskOptions> implements DriverType {
  readonly kind = 'driver';
  readonly api: number = API_VERSION;
  readonly name: string;
  readonly version: readonly [number, number, number] = [1, 0, 0];
  readonly schemes: readonly string[];
  readonly major = 1;
  readonly #make: (options: Options) => Disk;
  readonly #disks = new Map<string, Disk>();

  /** Use `memoryDriver` or `chaosDriver`. */
  constructor(name: string, make: (options: Options) => Disk) {
    this.name = name;
    this.schemes = [name];
    this.#make = make;
  }

  /** A new disk, to be opened as `SCHEME:NAME`. */
  add(name: string, options: Options): Disk {
    const disk = this.#make(options);
    this.#disks.set(name, disk);
    return disk;
  }

  identify(spec: string): Promise<string> {
    return Promise.resolve(`${this.name}:${spec}`);
  }

  open({ spec, clock }: OpenRequest): Promise<Driver> {
    const disk = this.#disks.get(spec);
    if (disk === undefined) return Promise.reject(fail('ENOENT', `there is no ${this.name} disk "${spec}"`));
    disk.opened(clock);
    return Promise.resolve(disk);
  }
}

/** A driver of disks in memory that answer at once. Scheme `memory`. */
export function memoryDriver(): DiskDriver<MemoryDisk, DiskOptions> {
  return new DiskDriver('memory', (options: DiskOptions) => new MemoryDisk(options));
}

/** A driver of disks that come late, out of order, held, failing, or lose their cache. Scheme `chaos`. */
export function chaosDriver(): DiskDriver<ChaosDisk, ChaosOptions> {
  return new DiskDriver('chaos', (options: ChaosOptions) => new ChaosDisk(options));
}
