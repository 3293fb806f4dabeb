import { BlockDevice, type DeviceObserver } from './block-device.ts';
import { MAX_DEPTH, MAX_SECTORS, Status } from './constants.ts';
import { fail } from './errors.ts';
import { makeLimits } from './limits.ts';
import { type LiveTable, NoTable } from './live-table.ts';
import { quiesce, type QuiesceOptions, thaw } from './quiesce.ts';

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
    this.uuid = uuid;
    this.path.rank = 1;
  }

  get live(): LiveTable | null {
    return this.#live;
  }

  /** Puts a loaded table into the inactive slot; an older one there is given up. The live table is not touched. */
  async loadInactive(table: LiveTable): Promise<void> {
    try {
      this.#checkReplaceable(table);
      this.#checkStacking(table);
    } catch (error) {
      await table.close();
      throw error;
    }
    const old = this.inactive;
    this.inactive = table;
    this.#updateRank();
    for (const port of table.ports) {
      port.onLimits = () => {
        this.#restackTables();
      };
    }
    await old?.close();
  }

  /** Empties the inactive slot. */
  async clear(): Promise<void> {
    const table = this.inactive;
    this.inactive = null;
    this.#updateRank();
    await table?.close();
  }

  /** Stops new bios and waits for those inside. Does nothing on a suspended device. */
  async suspend(options: SuspendOptions, quiesceOptions: QuiesceOptions): Promise<void> {
    if (this.suspended) return;
    const noflush = options.noflush ?? false;
    this.path.keepsRequeued = noflush;
    await quiesce([this], { ...quiesceOptions, mayHold: noflush });
    this.suspended = true;
    this.#live?.postsuspend();
  }

  /** Makes the inactive table live if there is one, and lets bios in. */
  async resume(options: SuspendOptions, quiesceOptions: QuiesceOptions): Promise<void> {
    if (this.inactive === null && !this.suspended) return;
    if (this.inactive === null && this.#live === null) {
      throw fail('EINVAL', `${this.name} has no table to resume with`);
    }
    await this.suspend(options, quiesceOptions);
    const old = this.#swap();
    try {
      await this.#live?.preresume();
      this.suspended = false;
      thaw([this]);
    } finally {
      await old?.close();
    }
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

  /** The devices that its tables use. */
  below(): BlockDevice[] {
    const devices = new Set<BlockDevice>();
    for (const table of [this.#live, this.inactive])
      for (const port of table?.ports ?? []) devices.add(port.device);
    return [...devices];
  }

  /** The loaded table takes the place of the live one, which is returned. Gate closed. */
  #swap(): LiveTable | null {
    if (this.inactive === null) return null;
    const old = this.#live;
    this.#live = this.inactive;
    this.inactive = null;
    this.replaceDriver(this.#live);
    this.#updateRank();
    return old;
  }

  #restackTables(): void {
    this.#live?.restack();
    this.inactive?.restack();
    this.restack();
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
    let rank = 1;
    for (const { device } of table.ports) {
      if (device === this || standsOn(device, this))
        throw fail('ELOOP', `${this.name} would be stacked on itself`);
      rank = Math.max(rank, device.path.rank + 1);
    }
    const depth = rank + heightAbove(this);
    if (depth > MAX_DEPTH) {
      throw fail(
        'ELOOP',
        `the stack would be ${String(depth)} devices deep; at most ${String(MAX_DEPTH)} are allowed`,
      );
    }
  }

  #updateRank(): void {
    this.path.rank = 1 + Math.max(0, ...this.below().map(({ path }) => path.rank));
    for (const { owner } of this.ports)
      if (owner instanceof MappedDevice && owner !== this) owner.#updateRank();
  }
}

function standsOn(upper: BlockDevice, lower: BlockDevice): boolean {
  return (
    upper instanceof MappedDevice &&
    upper.below().some((device) => device === lower || standsOn(device, lower))
  );
}

function heightAbove(device: BlockDevice): number {
  const owners = [...device.ports]
    .map((port) => port.owner)
    .filter((owner) => owner !== null && owner !== device);
  return Math.max(0, ...owners.map((owner) => 1 + heightAbove(owner!)));
}
