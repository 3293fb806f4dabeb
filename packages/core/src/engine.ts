import type { BlockDevice } from './block-device.ts';
import { type Clock, systemClock } from './clock.ts';
import { DeviceLifecycle } from './device-lifecycle.ts';
import { Devices } from './devices.ts';
import type {
  Control,
  CreateOptions,
  DeviceInfo,
  DeviceRef,
  DeviceSummary,
  Edit,
  EngineEvent,
  FilterInfo,
  FilterRule,
  PathNode,
  RemapInfo,
  TableRow,
  TypeInfo,
} from './control.ts';
import { SECTOR_SIZE } from './constants.ts';
import { asError, fail } from './errors.ts';
import type { Extent } from './extents.ts';
import { findFilter } from './filter-request.ts';
import { FilterRules } from './filter-rules.ts';
import { LiveEdits } from './live-edits.ts';
import type { MappedDevice, SuspendOptions } from './mapped-device.ts';
import { sendMessage } from './message.ts';
import { Mutex } from './mutex.ts';
import type { Claim, Port } from './port.ts';
import { type PluginType, Registry } from './registry.ts';
import { remapFilter, remapsTo } from './remap.ts';
import {
  filterInfo,
  infoOf,
  pathOf,
  refOf,
  remapInfosOf,
  statusRows,
  summaryOf,
  tableRows,
} from './report.ts';
import { parseTable } from './table-text.ts';

/** What an engine is made of. */
export interface EngineOptions {
  /** The types it knows: targets, filters, drivers. */
  readonly types: readonly PluginType[];
  readonly clock?: Clock;
  /** Milliseconds that an edit waits for the bios inside a device; 10,000 by default. */
  readonly drainTimeout?: number;
}

/** How to open a device by name. */
export interface OpenOptions {
  /** `write` by default. */
  readonly mode?: 'read' | 'write';
  /** `exclusive` by default. */
  readonly claim?: Claim;
  /** Who it is for; ports of one holder do not exclude one another. */
  readonly holder?: string;
}

const DEFAULT_DRAIN_TIMEOUT = 10_000;

/** An isolated set of devices and the types they are made of. */
export class Engine implements Control {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly #devices: Devices;
  readonly #lifecycle: DeviceLifecycle;
  readonly #rules: FilterRules;
  readonly #edits: LiveEdits;
  /** Control operations run one after another; the data path knows nothing of it. */
  readonly #mutex: Mutex = new Mutex();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #closed = false;

  constructor(options: EngineOptions) {
    this.registry = new Registry().add(remapFilter, ...options.types);
    this.#rules = new FilterRules(this.registry);
    this.clock = options.clock ?? systemClock;
    this.#devices = new Devices({
      registry: this.registry,
      clock: this.clock,
      log: this.#log,
      fault: (device, culprit, { message }) => {
        this.#emit({ kind: 'fault', device: device.name, culprit, message });
      },
      unused: (device) => {
        this.#removeDeferred(device);
      },
      arrived: (device) => this.#lifecycle.attachByRules(device),
      departing: (device) => this.#lifecycle.detachAll(device),
      lost: (device, reason) => {
        this.#lost(device, reason);
      },
    });
    this.#lifecycle = new DeviceLifecycle({
      devices: this.#devices,
      registry: this.registry,
      rules: this.#rules,
      clock: this.clock,
      drainTimeout: options.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT,
      log: this.#log,
    });
    this.#edits = new LiveEdits({
      devices: this.#devices,
      registry: this.registry,
      lifecycle: this.#lifecycle,
    });
  }

  /** Calls back for each fault, loss and log line until the returned function is called. */
  onEvent(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every device there is now. */
  devices(): BlockDevice[] {
    return this.#devices.all();
  }

  /** Opens a device for I/O; a leaf device comes into being with its first port and goes with its last. */
  async open(device: string, options: OpenOptions = {}): Promise<Port> {
    const { mode = 'write', claim = 'exclusive', holder = 'port' } = options;
    this.#checkOpen();
    return this.#devices.open(device, { mode, claim, holder });
  }

  create(name: string, options: CreateOptions = {}): Promise<DeviceInfo> {
    return this.#control(async () => {
      const lines = options.table === undefined ? undefined : parseTable(options.table, options.source);
      const device = this.#devices.mapped.add(name, options, this.#devices.observer);
      if (lines === undefined) return infoOf(device);
      try {
        await this.#lifecycle.load(device, lines, options.readOnly ?? false);
        await this.#lifecycle.resume(device, {});
      } catch (error) {
        await this.#lifecycle.vanish(device);
        throw error;
      }
      return infoOf(device);
    });
  }

  load(
    name: string,
    table: string,
    options: { readonly readOnly?: boolean; readonly source?: string } = {},
  ): Promise<void> {
    return this.#control(async () => {
      const lines = parseTable(table, options.source);
      await this.#lifecycle.load(this.#devices.mapped.get(name), lines, options.readOnly ?? false);
    });
  }

  clear(name: string): Promise<void> {
    return this.#control(() => this.#devices.mapped.get(name).clear());
  }

  suspend(name: string, options: SuspendOptions = {}): Promise<void> {
    return this.#control(() =>
      this.#devices.mapped.get(name).suspend(options, this.#lifecycle.quiesceOptions),
    );
  }

  resume(name: string, options: SuspendOptions = {}): Promise<void> {
    return this.#control(() => this.#lifecycle.resume(this.#devices.mapped.get(name), options));
  }

  remove(
    name: string,
    options: { readonly force?: boolean; readonly deferred?: boolean } = {},
  ): Promise<void> {
    return this.#control(async () => {
      const device = this.#devices.mapped.get(name);
      if (options.force === true) await this.#forceOut(device);
      if (device.openCount === 0) return this.#lifecycle.destroy(device);
      if (options.deferred !== true) {
        throw fail('EBUSY', `${name} is open: ${device.users.map((port) => port.holder).join(', ')}`);
      }
      device.deferredRemove = true;
      return undefined;
    });
  }

  rename(name: string, newName: string): Promise<void> {
    return this.#control(async () => {
      this.#devices.mapped.rename(this.#devices.mapped.get(name), newName);
    });
  }

  setUuid(name: string, uuid: string): Promise<void> {
    return this.#control(async () => {
      this.#devices.mapped.setUuid(this.#devices.mapped.get(name), uuid);
    });
  }

  async message(name: string, sector: number, words: readonly string[]): Promise<string> {
    return sendMessage(this.#devices.mapped.get(name), sector, words);
  }

  async wait(name: string, eventNr: number, signal?: AbortSignal): Promise<number> {
    const device = this.#devices.mapped.get(name);
    await device.waitForEvent(eventNr, signal);
    return device.eventNr;
  }

  async table(
    name: string,
    options: { readonly inactive?: boolean; readonly showKeys?: boolean } = {},
  ): Promise<TableRow[]> {
    const device = this.#devices.mapped.get(name);
    return tableRows(options.inactive === true ? device.inactive : device.live, options.showKeys ?? false);
  }

  async status(name: string, options: { readonly inactive?: boolean } = {}): Promise<TableRow[]> {
    const device = this.#devices.mapped.get(name);
    return statusRows(options.inactive === true ? device.inactive : device.live);
  }

  async info(name: string): Promise<DeviceInfo> {
    return infoOf(this.#devices.mapped.get(name));
  }

  async deps(name: string, options: { readonly inactive?: boolean } = {}): Promise<DeviceRef[]> {
    const device = this.#devices.mapped.get(name);
    const table = options.inactive === true ? device.inactive : device.live;
    // The kernel lists the device that was opened last first.
    return [...(table?.ports ?? [])].reverse().map(({ device }) => refOf(device));
  }

  async list(): Promise<DeviceRef[]> {
    return this.#devices.mapped.all().map(refOf);
  }

  async types(): Promise<TypeInfo[]> {
    const { registry } = this;
    return [...registry.targets(), ...registry.filters(), ...registry.drivers()].map(
      ({ kind, name, version }) => ({
        kind,
        name,
        version,
      }),
    );
  }

  attachFilter(device: string, spec: string): Promise<FilterInfo> {
    return this.#edit(async (edits) =>
      filterInfo(await edits.run((transaction) => edits.attach(transaction, device, spec))),
    );
  }

  detachFilter(device: string, which: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#edit((edits) =>
      edits.run((transaction) => edits.detach(transaction, device, which, options)),
    );
  }

  swapFilter(device: string, old: string, spec: string): Promise<FilterInfo> {
    return this.#edit(async (edits) =>
      filterInfo(await edits.run((transaction) => edits.swap(transaction, device, old, spec))),
    );
  }

  transaction(edits: readonly Edit[]): Promise<void> {
    return this.#edit((live) => live.apply(edits));
  }

  startRemap(
    mapped: string,
    device: string,
    options: { readonly altitude?: string } = {},
  ): Promise<RemapInfo> {
    return this.#edit(async (edits) => {
      const step = await edits.run((transaction) =>
        edits.startRemap(transaction, mapped, device, options.altitude),
      );
      return {
        mapped: this.#devices.mapped.get(mapped).name,
        device: step.device.name,
        altitude: step.altitude,
      };
    });
  }

  finishRemap(mapped: string): Promise<void> {
    return this.#edit((edits) =>
      edits.run(async (transaction) => {
        edits.finishRemap(transaction, mapped);
      }),
    );
  }

  async remaps(): Promise<RemapInfo[]> {
    return this.devices().flatMap(remapInfosOf);
  }

  addRule(pattern: string, filter: string): Promise<FilterRule> {
    return this.#control(async () => this.#rules.add(pattern, filter));
  }

  removeRule(id: number): Promise<void> {
    return this.#control(async () => {
      this.#rules.remove(id);
    });
  }

  async rules(): Promise<FilterRule[]> {
    return this.#rules.all();
  }

  async listDevices(): Promise<DeviceSummary[]> {
    return this.devices().map(summaryOf);
  }

  yank(device: string): Promise<void> {
    return this.#control(async () => {
      const found = await this.#devices.find(device);
      await this.#lifecycle.vanish(found);
      this.#emit({ kind: 'lost', device: found.name, message: 'it was yanked' });
    });
  }

  async filters(device?: string): Promise<FilterInfo[]> {
    const devices = device === undefined ? this.devices() : [await this.#devices.find(device)];
    return devices.flatMap(({ stack }) => stack.steps.map(filterInfo));
  }

  async messageFilter(device: string, which: string, words: readonly string[]): Promise<string> {
    const { filter, label } = findFilter(await this.#devices.find(device), which);
    if (filter.message === undefined) throw fail('ENOTTY', `${label} takes no messages`);
    return filter.message(words);
  }

  async explain(device: string): Promise<PathNode> {
    return pathOf(await this.#devices.find(device));
  }

  extents(device: string, sector: number, count: number): Promise<Extent[]> {
    return this.#withPort(device, 'read', (port) => port.extents(sector, count));
  }

  read(device: string, sector: number, count: number): Promise<Uint8Array> {
    return this.#withPort(device, 'read', (port) => port.read(sector, count));
  }

  write(device: string, sector: number, data: Uint8Array): Promise<void> {
    if (data.length % SECTOR_SIZE !== 0) {
      return Promise.reject(fail('EINVAL', `${String(data.length)} bytes are no whole number of sectors`));
    }
    return this.#withPort(device, 'write', (port) => port.write(sector, data));
  }

  flush(device: string): Promise<void> {
    return this.#withPort(device, 'read', (port) => port.flush());
  }

  discard(device: string, sector: number, count: number): Promise<void> {
    return this.#withPort(device, 'write', (port) => port.discard(sector, count));
  }

  zero(device: string, sector: number, count: number): Promise<void> {
    return this.#withPort(device, 'write', (port) => port.writeZeroes(sector, count));
  }

  /** Takes every device down, upper ones first. EBUSY while somebody has one open. */
  close(): Promise<void> {
    return this.#control(async () => {
      const busy = this.devices().find((device) => [...device.ports].some((port) => port.owner === null));
      if (busy !== undefined) {
        const holders = [...busy.ports].map((port) => port.holder).join(', ');
        throw fail('EBUSY', `${busy.name} is open: ${holders}`);
      }
      this.#closed = true;
      for (const device of this.#devices.mapped.all().sort((a, b) => b.path.rank - a.path.rank))
        await this.#lifecycle.destroy(device);
      for (const device of this.#devices.leaves.all()) await this.#lifecycle.detachAll(device);
      await this.#devices.settle();
    });
  }

  readonly #log = (message: string): void => {
    this.#emit({ kind: 'log', message });
  };

  #emit(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #control<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(() => {
      this.#checkOpen();
      return work();
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw fail('ESHUTDOWN', 'the engine is closed');
  }

  #edit<T>(work: (edits: LiveEdits) => Promise<T>): Promise<T> {
    return this.#control(() => work(this.#edits));
  }

  /** Nobody is asked: what it stands in for serves itself again, and its own bios fail. */
  async #forceOut(device: MappedDevice): Promise<void> {
    if (remapsTo(device).length > 0) {
      await this.#edits.run(async (transaction) => {
        this.#edits.finishRemap(transaction, device.name);
      });
    }
    await this.#lifecycle.replaceByError(device);
  }

  /** Bios fail from this moment on; the rest takes its turn after the edits that are under way. */
  #lost(device: BlockDevice, message: string): void {
    device.lose();
    this.#emit({ kind: 'lost', device: device.name, message });
    // A closed engine took it down already.
    this.#control(() => this.#lifecycle.vanish(device)).catch(() => undefined);
  }

  async #withPort<T>(name: string, mode: 'read' | 'write', use: (port: Port) => Promise<T>): Promise<T> {
    const port = await this.open(name, { mode, claim: 'noexcl', holder: 'control' });
    try {
      return await use(port);
    } finally {
      port.close();
    }
  }

  /** Nobody waits for a deferred removal, so what goes wrong with it is logged. */
  #removeDeferred(device: MappedDevice): void {
    this.#control(async () => {
      // Somebody may have opened it since, or it is gone already.
      const due = device.deferredRemove && device.openCount === 0;
      if (due && this.#devices.mapped.find(device.name) === device) await this.#lifecycle.destroy(device);
    }).catch((error: unknown) => {
      this.#log(`deferred removal of ${device.name}: ${asError(error).message}`);
    });
  }
}

/** An engine with the given types and no devices yet. */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}
