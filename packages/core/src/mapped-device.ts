import { BlockDevice, type DeviceObserver } from './block-device.ts';
import { MAX_SECTORS, Status } from './constants.ts';
import { blamingLater } from './containment.ts';
import { checkDepth, relink, standsOn } from './device-graph.ts';
import { asError, fail } from './errors.ts';
import type { FilterStep } from './filter-stack.ts';
import { makeLimits } from './limits.ts';
import { type LiveTable, NoTable } from './live-table.ts';
import type { Port } from './port.ts';
import { atRest, quiesce, type QuiesceOptions, thaw } from './quiesce.ts';
import { checkCovers, remapsOn, remapsTo } from './remap.ts';
import { within } from './within.ts';

/** How to suspend. */
export interface SuspendOptions {
  /** Bios that targets want to map again stay for the next table, instead of failing. */
  readonly noflush?: boolean;
}

/** A device whose driver is a table. It has the kernel's two table slots, of which one may be live. */
export class MappedDevice extends BlockDevice {
  uuid: string;
  suspended = false;
  /** Goes away when the last user does. */
  deferredRemove = false;
  /** Events so far, as a u32. */
  eventNr = 0;
  inactive: LiveTable | null = null;
  #live: LiveTable | null = null;
  readonly #waiters: Set<() => void> = new Set<() => void>();

  constructor(name: string, uuid: string, number: readonly [number, number], observer: DeviceObserver) {
    super(name, number, new NoTable(makeLimits(0, { maxSectors: MAX_SECTORS })), 'table', observer);
    this.path.leastRank = 1;
    this.uuid = uuid;
    this.path.rank = this.path.leastRank;
  }

  get live(): LiveTable | null {
    return this.#live;
  }

  override get driverPorts(): readonly Port[] {
    return [...(this.#live?.ports ?? []), ...(this.inactive?.ports ?? [])];
  }

  /** Throws where a table cannot be this device's next one, whatever its size; the table is not kept. */
  checkTable(table: LiveTable): void {
    this.#checkReplaceable(table);
    this.#checkStacking(table);
  }

  /** Puts a loaded table into the inactive slot; an older one there is given up. The live table is not touched. */
  async loadInactive(table: LiveTable): Promise<void> {
    try {
      this.checkTable(table);
      this.#checkRemaps(table);
    } catch (error) {
      await table.close();
      throw error;
    }
    const old = this.inactive;
    this.inactive = table;
    relink(this);
    this.#follow(table);
    await old?.close();
  }

  /** Empties the inactive slot. */
  async clear(): Promise<void> {
    const table = this.inactive;
    this.inactive = null;
    relink(this);
    await table?.close();
  }

  /**
   * Stops new bios and waits for those inside, and for what targets do by themselves. ETIMEDOUT: bios go on, and the table is
   * at work. Does nothing on a suspended device.
   */
  async suspend(options: SuspendOptions, quiesceOptions: QuiesceOptions): Promise<void> {
    if (this.suspended) return;
    const noflush = options.noflush ?? false;
    this.path.keepsRequeued = noflush;
    await quiesce([this], noflush ? { ...quiesceOptions, mayHold: new Set([this]) } : quiesceOptions);
    try {
      await this.#comeToRest(quiesceOptions);
      const { clock, timeout } = quiesceOptions;
      const resting = this.#eachFilter(({ filter }) => filter.postsuspend?.());
      await within(resting, clock, timeout, `${this.name} did not come to rest: a filter did not end`);
    } catch (error) {
      thaw([this]);
      throw error;
    }
    this.suspended = true;
  }

  /** Undoes a suspend, with the table it has. */
  async goOn(): Promise<void> {
    if (!this.suspended) return;
    this.suspended = false;
    await this.undoSwap();
    thaw([this]);
  }

  /** Makes the inactive table live if there is one, and lets bios in. */
  async resume(options: SuspendOptions, quiesceOptions: QuiesceOptions): Promise<void> {
    if (this.inactive === null && !this.suspended) return;
    if (this.inactive === null && this.#live === null) {
      throw fail('EINVAL', `${this.name} has no table to resume with`);
    }
    // A remap may have come since the table was loaded.
    if (this.inactive !== null) this.#checkRemaps(this.inactive);
    const wasSuspended = this.suspended;
    await this.suspend(options, quiesceOptions);
    const old = await this.#makeLive(wasSuspended, quiesceOptions);
    try {
      await this.#live?.preresume();
      await this.#eachFilter(({ filter }) => filter.preresume?.());
      this.suspended = false;
      thaw([this]);
    } finally {
      await old?.close();
    }
  }

  /**
   * Closed gate, drained: gets a table ready that is to go live at once. The table in use is told to let go first, for the
   * new one may take over what it kept; when the new one fails the old one is at work again, and the error is thrown, as it
   * is where the old one does not let go.
   */
  async prepareSwap(table: LiveTable, quiesceOptions: QuiesceOptions): Promise<void> {
    if (!this.suspended) await this.#comeToRest(quiesceOptions);
    try {
      await table.preresume();
    } catch (error) {
      await this.undoSwap();
      throw error;
    }
  }

  /** After `prepareSwap`: the table in use stays. What it says to that is a fault of its own. */
  async undoSwap(): Promise<void> {
    if (this.suspended) return;
    try {
      await this.#live?.preresume();
    } catch (error) {
      this.fence(this.path.bottom, asError(error));
    }
  }

  /** Closed gate: a table takes the place of the live one, which is returned. */
  putLive(table: LiveTable): LiveTable | null {
    const old = this.#live;
    this.#live = table;
    this.#follow(table);
    let broken: unknown;
    try {
      // What is below may have changed since the table was built.
      table.restack();
    } catch (error) {
      broken = error;
    }
    this.replaceDriver(table);
    if (broken !== undefined) this.fence(this.path.bottom, asError(broken));
    relink(this);
    return old;
  }

  /** Everything is given up; nobody has the device open. */
  async destroy(): Promise<void> {
    const tables = [this.inactive, this.#live];
    this.inactive = null;
    this.#live = null;
    // Their ports may be closed by now, but each bio ends.
    this.path.failWaiting(Status.NoDev);
    for (const table of tables) await table?.close();
    this.raiseEvent();
  }

  /** Counts an event and wakes who waits for one. */
  raiseEvent(): void {
    this.eventNr = (this.eventNr + 1) >>> 0;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  /** Resolves when the event number is another than the given one. */
  async waitForEvent(eventNr: number, signal?: AbortSignal): Promise<void> {
    while (this.eventNr === eventNr && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
        signal?.addEventListener('abort', () => {
          this.#waiters.delete(resolve);
          resolve();
        });
      });
    }
  }

  /** Highest first. */
  async #eachFilter(call: (step: FilterStep) => void | Promise<void>): Promise<void> {
    for (const step of this.stack.steps) if (!step.fenced) await blamingLater(step, () => call(step));
  }

  /** Drained: nothing that goes on without a bio of the device is to meet the next table. */
  async #comeToRest({ clock, timeout }: QuiesceOptions): Promise<void> {
    if (this.#live === null) return;
    const text = `${this.name} did not come to rest: a target waits for a device below, and did not end`;
    await within(this.#live.postsuspend(), clock, timeout, text);
  }

  /** Puts the inactive table in place of the live one, which is returned; null where there is none. ETIMEDOUT: nothing changed. */
  async #makeLive(wasSuspended: boolean, quiesceOptions: QuiesceOptions): Promise<LiveTable | null> {
    const next = this.inactive;
    if (next === null) return null;
    const mayHold = new Set(this.path.keepsRequeued ? [this] : []);
    try {
      return await atRest([this], { ...quiesceOptions, mayHold }, () => {
        this.inactive = null;
        return this.putLive(next);
      });
    } catch (error) {
      if (!wasSuspended) await this.goOn();
      throw error;
    }
  }

  /** The limits of the devices below may change at any time. */
  #follow(table: LiveTable): void {
    for (const port of table.ports) {
      port.onLimits = () => {
        this.#restackTables();
      };
    }
  }

  #restackTables(): void {
    this.#live?.restack();
    this.inactive?.restack();
    this.restack();
  }

  /** With another size it must still be large enough for what it stands in for, and not too large for what stands in for it. */
  #checkRemaps({ limits }: LiveTable): void {
    const next = { name: this.name, sectors: limits.sectors };
    for (const { device } of remapsTo(this)) {
      checkCovers(next, { name: device.name, sectors: device.limits.sectors });
    }
    for (const port of remapsOn(this).flatMap(({ others }) => others)) {
      checkCovers({ name: port.device.name, sectors: port.device.limits.sectors }, next);
    }
  }

  #checkReplaceable(table: LiveTable): void {
    const current = this.#live?.rows[0]?.type;
    const next = table.rows[0]?.type;
    if (current?.features.immutable !== true || next === undefined) return;
    if (next.name !== current.name && next.features.wildcard !== true) {
      throw fail('EINVAL', `can't replace immutable target type ${current.name}`);
    }
  }

  /** Neither on itself, directly or not, nor deeper than the cap, for this device and for all that stand on it. */
  #checkStacking(table: LiveTable): void {
    if (table.ports.some(({ device }) => device === this || standsOn(device, this))) {
      throw fail('ELOOP', `${this.name} would be stacked on itself`);
    }
    const { inactive } = this;
    this.inactive = table;
    try {
      checkDepth(this);
    } finally {
      this.inactive = inactive;
    }
  }
}
