import { asError, type Clock, fail, type Port, SECTOR_SIZE } from '@interposer/core';
import { CleanQueue } from './clean-queue.ts';
import type { DirtyLog, SyncWord } from './log.ts';
import { LogImage } from './log-format.ts';
import { LogStore } from './log-store.ts';
import { type Regions, RegionState } from './regions.ts';
import type { WriteRequest } from './write-request.ts';

/** What a log on disk works with. */
export interface DiskLogOptions {
  readonly port: Port;
  readonly regions: Regions;
  readonly sync: SyncWord;
  /** The log is read, and never written. */
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Raises an event on the mapped device. */
  readonly event: () => void;
  /** Makes the legs' data stable; false if one of them cannot. What is called clean must not be in a cache. */
  readonly flushLegs: () => Promise<boolean>;
  /** Goes on with a request that waited. */
  readonly marked: (request: WriteRequest) => void;
}

/** A log on a device of its own, in the kernel's format: after a crash only the regions that it has marked are copied. */
export class DiskLog implements DirtyLog {
  readonly #options: DiskLogOptions;
  readonly #image: LogImage;
  readonly #store: LogStore;
  readonly #queue: CleanQueue;
  #failed: 'write' | 'flush' | null = null;
  #loaded = false;
  #mayClean = true;
  /** Ends when regions that became clean are so on disk. */
  #cleaning: Promise<void> = Promise.resolve();

  /** EINVAL where the device is too small. */
  constructor(options: DiskLogOptions) {
    const { port, regions } = options;
    this.#options = options;
    this.#image = new LogImage(regions.count, port.limits.logicalBlock);
    const { length } = this.#image.bytes;
    if (length > port.limits.sectors * SECTOR_SIZE) {
      throw fail('EINVAL', `log device ${port.device.number} too small: need ${String(length)} bytes`);
    }
    this.#store = new LogStore(port, this.#image, regions.count, {
      marked: options.marked,
      failed: (what) => {
        this.#fail(what);
      },
    });
    this.#queue = new CleanQueue(options.clock, regions.count, () => {
      this.#clean(false);
    });
    // As in the kernel, it counts as in sync already while the table is only loaded.
    if (options.sync === 'nosync') this.#setStates(() => true);
  }

  get failed(): boolean {
    return this.#failed !== null;
  }

  mark(region: number): boolean {
    return this.#store.mark(region);
  }

  wait(request: WriteRequest): void {
    this.#store.wait(request);
  }

  idle(region: number): void {
    if (this.#mayClean && !this.#image.isClean(region)) this.#queue.add(region);
  }

  stayDirty(): void {
    this.#mayClean = false;
    this.#queue.stop();
  }

  /** What the log on disk says is asked for once: from then on it is this mirror's own. Kernel: disk_resume. */
  async load(): Promise<void> {
    const { regions, sync } = this.#options;
    if (!this.#loaded) {
      const stored = sync === null ? await this.#read() : await this.#readAround();
      this.#image.begin(Math.min(stored, regions.count), sync === 'nosync', sync !== null);
      this.#setStates((region) => this.#image.isClean(region));
      this.#loaded = true;
    }
    if (!this.#options.readOnly) await this.#store.writeAll();
  }

  async settle(): Promise<void> {
    this.#queue.stop();
    this.#clean(true);
    await this.#cleaning;
    await this.#store.write();
  }

  table(): string {
    const { port, regions, sync } = this.#options;
    const words = [port.device.number, regions.size, ...(sync === null ? [] : [sync])];
    return ['disk', words.length, ...words].join(' ');
  }

  /** The letter: A, D when a write to the log has failed, F when a flush of it has. */
  status(): string {
    const letter = { none: 'A', write: 'D', flush: 'F' }[this.#failed ?? 'none'];
    return `3 disk ${this.#options.port.device.number} ${letter}`;
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#cleaning;
    await this.#store.ended;
  }

  #setStates(isClean: (region: number) => boolean): void {
    const { regions } = this.#options;
    for (let region = 0; region < regions.count; region++) {
      regions.setState(region, isClean(region) ? RegionState.InSync : RegionState.NoSync);
    }
  }

  /** How many regions the log on disk knows of: those of which it says something. */
  async #read(): Promise<number> {
    try {
      await this.#store.read();
      const { stored } = this.#image;
      if (stored !== undefined) return stored;
      throw fail('EINVAL', 'incompatible disk log version');
    } catch (error) {
      const { number } = this.#options.port.device;
      this.#options.log(
        `${number}: Failed to read header on dirty region log device: ${asError(error).message}`,
      );
      this.#fail('write');
      return 0;
    }
  }

  /** The bits are given up, but what lies around them in its sectors stays, as in the kernel. */
  async #readAround(): Promise<number> {
    await this.#read();
    return 0;
  }

  /** Clean is what nobody writes to, once the legs have it for good, and if nobody has written to it meanwhile. */
  #clean(all: boolean): void {
    if (!this.#mayClean) return;
    const batch = this.#queue.take(all);
    if (batch.length === 0) return;
    const before = this.#cleaning;
    this.#cleaning = before.then(async () => {
      if (!(await this.#options.flushLegs())) this.#forgetClean();
      for (const region of batch) if (this.#isQuiet(region)) this.#store.clean(region);
      await this.#store.write();
    });
  }

  #isQuiet(region: number): boolean {
    const { regions } = this.#options;
    const isQuiet = !regions.isBusy(region) && !this.#queue.has(region);
    return isQuiet && this.#mayClean && regions.state(region) === RegionState.InSync;
  }

  /** Nobody knows which regions reached the legs: all are marked. Kernel: disk_flush. */
  #forgetClean(): void {
    this.stayDirty();
    for (let region = 0; region < this.#options.regions.count; region++) this.#store.mark(region);
  }

  #fail(what: 'write' | 'flush'): void {
    const isNew = this.#failed === null;
    this.#failed = what === 'flush' ? 'flush' : (this.#failed ?? 'write');
    if (isNew) this.#options.event();
  }
}
