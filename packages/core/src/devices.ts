import type { BlockDevice, DeviceObserver } from './block-device.ts';
import type { Clock } from './clock.ts';
import { asError, fail } from './errors.ts';
import { type LeafContext, LeafDevices } from './leaf-devices.ts';
import { MappedDevice } from './mapped-device.ts';
import { MappedDevices } from './mapped-devices.ts';
import type { Port, PortOptions } from './port.ts';
import type { Registry } from './registry.ts';

/** What the devices of an engine are kept with. */
export interface DevicesContext extends Pick<LeafContext, 'arrived' | 'departing' | 'lost'> {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly fault: (device: BlockDevice, culprit: string, error: Error) => void;
  /** The last user of a mapped device that waits for its removal is gone. */
  readonly unused: (device: MappedDevice) => void;
}

/** All devices of an engine: finds them by whatever a user calls them, opens them, and closes leaf devices after use. */
export class Devices {
  readonly mapped: MappedDevices = new MappedDevices();
  readonly leaves: LeafDevices;
  readonly observer: DeviceObserver;
  readonly #context: DevicesContext;
  /** Closings of leaf devices that are under way and nobody waits for yet. */
  readonly #closings = new Set<Promise<void>>();
  /** Devices that are getting their filters by rules. */
  readonly #arriving = new Set<BlockDevice>();

  constructor(context: DevicesContext) {
    this.#context = context;
    this.observer = {
      fault: context.fault,
      released: (device) => {
        this.#released(device);
      },
    };
    this.leaves = new LeafDevices({
      ...context,
      observer: this.observer,
      arrived: (device) => this.arrive(device),
    });
  }

  all(): BlockDevice[] {
    return [...this.mapped.all(), ...this.leaves.all()];
  }

  /** A device that exists, by name, number, or what opened it. ENXIO if there is none. */
  async find(name: string): Promise<BlockDevice> {
    const device = this.#known(name) ?? (await this.leaves.find(name));
    if (device === undefined) throw fail('ENXIO', `no device ${name}`);
    return device;
  }

  /** Opens a port on a device; a leaf device that is not there yet comes into being. */
  async open(name: string, options: PortOptions): Promise<Port> {
    const known = this.#known(name);
    if (known !== undefined) return known.open(options);
    if (/^\d+:\d+$/.test(name)) throw fail('ENXIO', `no device ${name}`);
    // What a filter opens that itself came by a rule gets none by rules: a rule for all devices would have no end.
    const byRules = options.owner === undefined || !this.#arriving.has(options.owner);
    const device = await this.leaves.open(name, options.mode === 'read', byRules, options.owner);
    if (device.lost) throw fail('ENODEV', `${name} is gone`);
    // Its last user may have let it go since.
    if (!this.leaves.isOpen(device)) return this.open(name, options);
    try {
      return device.open(options);
    } catch (error) {
      await this.leaves.closeIfUnused(device);
      throw error;
    }
  }

  /** A device that nobody sends bios to yet gets the filters that rules give it. */
  async arrive(device: BlockDevice): Promise<void> {
    this.#arriving.add(device);
    try {
      await this.#context.arrived(device);
    } finally {
      this.#arriving.delete(device);
    }
  }

  /** A device that is gone is not found any more; another of its name may come. False if it was forgotten already. */
  forget(device: BlockDevice): boolean {
    const known = this.all().includes(device);
    if (device instanceof MappedDevice) this.mapped.delete(device);
    else this.leaves.forget(device);
    return known;
  }

  /** Waits until every leaf device that is no longer used is closed. */
  async settle(): Promise<void> {
    await Promise.all(this.#closings);
  }

  #known(name: string): BlockDevice | undefined {
    return (
      this.mapped.find(name) ?? this.all().find((device) => device.number === name || device.name === name)
    );
  }

  /** Runs inside `Port.close`: what takes time goes on by itself, and `settle` waits for it. */
  #released(device: BlockDevice): void {
    if (device instanceof MappedDevice) {
      if (device.deferredRemove && device.openCount === 0) this.#context.unused(device);
      return;
    }
    if (device.inUse) return;
    const closing = this.leaves.closeIfUnused(device).catch((error: unknown) => {
      this.#context.log(`${device.name}: ${asError(error).message}`);
    });
    this.#closings.add(closing);
    void closing.finally(() => this.#closings.delete(closing));
  }
}
