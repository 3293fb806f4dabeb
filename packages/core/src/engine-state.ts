import type { BlockDevice } from './block-device.ts';
import { type Clock, systemClock } from './clock.ts';
import type { EngineEvent } from './control.ts';
import { DeviceLifecycle } from './device-lifecycle.ts';
import { Devices } from './devices.ts';
import { asError, fail } from './errors.ts';
import { FilterRules } from './filter-rules.ts';
import { KeyRing } from './key-ring.ts';
import { LiveEdits } from './live-edits.ts';
import type { MappedDevice } from './mapped-device.ts';
import { Mutex } from './mutex.ts';
import type { Claim, Port } from './port.ts';
import { type PluginType, Registry } from './registry.ts';
import { remapFilter } from './remap.ts';

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

/** What an engine is made of, and how its verbs take turns. The verbs themselves are in the classes above it. */
export abstract class EngineState {
  readonly registry: Registry;
  readonly clock: Clock;
  protected readonly keyRing: KeyRing = new KeyRing();
  protected readonly inventory: Devices;
  protected readonly lifecycle: DeviceLifecycle;
  protected readonly ruleBook: FilterRules;
  protected readonly liveEdits: LiveEdits;
  /** Control operations run one after another; the data path knows nothing of it. */
  readonly #mutex: Mutex = new Mutex();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #closed = false;

  constructor(options: EngineOptions) {
    this.registry = new Registry().add(remapFilter, ...options.types);
    this.ruleBook = new FilterRules(this.registry);
    this.clock = options.clock ?? systemClock;
    this.inventory = new Devices({
      registry: this.registry,
      clock: this.clock,
      log: this.#log,
      fault: (device, culprit, { message }) => {
        this.emit({ kind: 'fault', device: device.name, culprit, message });
      },
      unused: (device) => {
        this.#removeDeferred(device);
      },
      arrived: (device) => this.lifecycle.attachByRules(device),
      departing: (device) => this.lifecycle.strip(device),
      lost: (device, reason) => {
        this.#lost(device, reason);
      },
    });
    this.lifecycle = new DeviceLifecycle({
      devices: this.inventory,
      registry: this.registry,
      rules: this.ruleBook,
      clock: this.clock,
      keys: this.keyRing,
      drainTimeout: options.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT,
      log: this.#log,
    });
    this.liveEdits = new LiveEdits({
      devices: this.inventory,
      registry: this.registry,
      lifecycle: this.lifecycle,
    });
  }

  /** Calls back for each fault, loss and log line until the returned function is called. */
  onEvent(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every device there is now. */
  devices(): BlockDevice[] {
    return this.inventory.all();
  }

  /** Opens a device for I/O; a leaf device comes into being with its first port and goes with its last. */
  async open(device: string, options: OpenOptions = {}): Promise<Port> {
    const { mode = 'write', claim = 'exclusive', holder = 'port' } = options;
    this.#checkOpen();
    const port = await this.inventory.open(device, { mode, claim, holder });
    if (!this.#closed) return port;
    // The engine was closed while the device came.
    port.close();
    await this.inventory.settle();
    throw fail('ESHUTDOWN', 'the engine is closed');
  }

  /** Takes every device down, upper ones first, and wipes the keys of its ring. EBUSY while somebody has one open. */
  close(): Promise<void> {
    return this.control(async () => {
      const busy = this.devices().find((device) => [...device.ports].some((port) => port.owner === null));
      if (busy !== undefined) {
        const holders = [...busy.ports].map((port) => port.holder).join(', ');
        throw fail('EBUSY', `${busy.name} is open: ${holders}`);
      }
      this.#closed = true;
      try {
        await this.#takeDown();
        this.keyRing.clear();
      } catch (error) {
        // What is still there needs somebody to see to it.
        this.#closed = false;
        throw error;
      }
    });
  }

  async #takeDown(): Promise<void> {
    for (const device of this.inventory.mapped.all().sort((a, b) => b.path.rank - a.path.rank))
      await this.lifecycle.destroy(device);
    for (const device of this.inventory.leaves.all()) await this.lifecycle.detachAll(device);
    await this.inventory.settle();
  }

  readonly #log = (message: string): void => {
    this.emit({ kind: 'log', message });
  };

  /** Tells all who listen. */
  protected emit(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Work of a verb, after that of the verbs before it. ESHUTDOWN when the engine is closed. */
  protected control<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(() => {
      this.#checkOpen();
      return work();
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw fail('ESHUTDOWN', 'the engine is closed');
  }

  /** Bios fail from this moment on; the rest takes its turn after the edits that are under way. */
  #lost(device: BlockDevice, message: string): void {
    device.lose();
    this.emit({ kind: 'lost', device: device.name, message });
    // A closed engine took it down already.
    this.control(() => this.lifecycle.vanish(device)).catch(() => undefined);
  }

  /** Nobody waits for a deferred removal, so what goes wrong with it is logged. */
  #removeDeferred(device: MappedDevice): void {
    this.control(async () => {
      // Somebody may have opened it since, or it is gone already.
      const due = device.deferredRemove && device.openCount === 0;
      if (due && this.inventory.mapped.find(device.name) === device) await this.lifecycle.destroy(device);
    }).catch((error: unknown) => {
      this.#log(`deferred removal of ${device.name}: ${asError(error).message}`);
    });
  }
}
